"""What a stack of layers looks like from above: looked at, never mounted on a path."""

import os
import stat
from contextlib import suppress

from boxship.kernel import files, overlay

_PATH_ONLY = os.O_PATH | os.O_NOFOLLOW


class Known:
    """A directory or link that a stack has; everything else that is no directory counts too."""

    __slots__ = ("link", "status", "xattrs")

    def __init__(
        self, status: os.stat_result, link: bytes | None, xattrs: dict[str, bytes]
    ) -> None:
        """What was found."""
        self.status = status
        self.link = link
        self.xattrs = xattrs

    @property
    def is_directory(self) -> bool:
        """Whether entries can be below it."""
        return stat.S_ISDIR(self.status.st_mode)

    def make_directory(self, dir_fd: int, name: bytes | str) -> None:
        """A directory with the attributes of this one: what overlayfs calls a copy up."""
        os.mkdir(name, 0o700, dir_fd=dir_fd)
        os.chown(name, self.status.st_uid, self.status.st_gid, dir_fd=dir_fd, follow_symlinks=False)
        for key, value in self.xattrs.items():
            path = f"/proc/self/fd/{dir_fd}/{os.fsdecode(name)}"
            with suppress(OSError):
                os.setxattr(path, key, value, follow_symlinks=False)
        os.chmod(name, stat.S_IMODE(self.status.st_mode), dir_fd=dir_fd)


class View:
    """A stack of layers, the uppermost first, as one tree.  Close it."""

    def __init__(self, base: str, layers: list[str]) -> None:
        """Look at these directories below `base`; none of them is an empty tree."""
        self._fd = overlay.open_stack(base, layers) if layers else -1

    @property
    def fd(self) -> int:
        """The root of the tree."""
        return self._fd

    def lookup(self, path: bytes) -> Known | None:
        """What `path` is, its last part not followed; None if there is no such thing."""
        if self._fd < 0:
            return None
        try:
            fd = files.open_in_root(self._fd, path, _PATH_ONLY)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            link = os.readlink(b"", dir_fd=fd) if stat.S_ISLNK(status.st_mode) else None
            return Known(status, link, _xattrs(fd) if stat.S_ISDIR(status.st_mode) else {})
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the stack."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> "View":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _xattrs(fd: int) -> dict[str, bytes]:
    path = f"/proc/self/fd/{fd}"
    try:
        names = os.listxattr(path)
        return {n: os.getxattr(path, n) for n in names if not n.startswith("trusted.overlay.")}
    except OSError:
        return {}
