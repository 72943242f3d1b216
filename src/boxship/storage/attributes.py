"""Owner, times and extended attributes of an entry that an archive describes."""

import errno
import os
import stat

from boxship.wire import tar

OPAQUE_XATTR = "trusted.overlay.opaque"
# Attributes that overlayfs itself reads: an archive could point it at other files with them.
RESERVED_XATTRS = (b"trusted.overlay.", b"user.overlay.")


def at(parent: int, base: bytes) -> bytes:
    """A path for the calls that take no directory descriptor; only `base` is looked up by name."""
    return b"/proc/self/fd/%d/%s" % (parent, base)


def is_whiteout(status: os.stat_result) -> bool:
    """Whether it is overlayfs' mark of something hidden."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def set_attributes(parent: int, base: bytes, header: tar.Header) -> None:
    """Owner and extended attributes of an entry, itself and not what it may link to."""
    os.chown(base, header.uid, header.gid, dir_fd=parent, follow_symlinks=False)
    if header.xattrs:
        set_xattrs(at(parent, base), header)


def set_time(parent: int, base: bytes, time: int) -> None:
    """The time of an entry, itself and not what it may link to."""
    os.utime(base, ns=(time, time), dir_fd=parent, follow_symlinks=False)


def set_xattrs(target: int | bytes, header: tar.Header) -> None:
    """After the owner: a change of owner takes file capabilities away."""
    for key, value in header.xattrs.items():
        if key.startswith(RESERVED_XATTRS):
            continue
        try:
            if isinstance(target, int):
                os.setxattr(target, key, value)
            else:
                os.setxattr(target, key, value, follow_symlinks=False)
        except OSError as error:
            # As Docker: a file system or a user without them is no reason to refuse an image.
            if error.errno not in {errno.ENOTSUP, errno.EPERM}:
                raise
