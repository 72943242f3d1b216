"""The directories of overlay2 on the disk, as users of Docker know them.

overlay2/<cache id>/diff      the files of one layer
                    link      its short name
                    lower     the short names of the layers below, the uppermost first
                    work      overlayfs' own
                    merged    where a container's tree is mounted
                    committed marks a layer that never changes again
overlay2/l/<short name>       a link to ../<cache id>/diff
"""

import fcntl
import os
import secrets
import sys
from base64 import b32encode
from contextlib import suppress

from boxship.storage.trash import Trash

LINKS = "l"
_ID_MODE = 0o710
_FS_IOC_GETFLAGS = 0x80086601
_FS_IOC_SETFLAGS = 0x40086602
_FS_TOPDIR_FL = 0x00020000


def new_cache_id() -> str:
    """A random name."""
    return secrets.token_hex(32)


def new_link() -> str:
    """A random short name: 26 capitals and digits."""
    return b32encode(secrets.token_bytes(16)).decode().rstrip("=")


class CacheDirs:
    """The folder `overlay2`."""

    def __init__(self, home: str, trash: Trash) -> None:
        """Use `home`, made if it is missing."""
        self.home = home
        self._trash = trash
        os.makedirs(os.path.join(home, LINKS), mode=0o700, exist_ok=True)
        os.chmod(home, _ID_MODE)
        _spread(home)

    def path(self, cache_id: str, name: str = "") -> str:
        """The path of something in a directory."""
        return f"{self.home}/{cache_id}/{name}" if name else f"{self.home}/{cache_id}"

    def make(self, cache_id: str, link: str, lower: list[str]) -> None:
        """A new directory with an empty `diff`; `lower` are the short names below it."""
        path = self.path(cache_id)
        os.mkdir(path, _ID_MODE)
        os.mkdir(path + "/diff", 0o755)
        os.symlink(f"../{cache_id}/diff", f"{self.home}/{LINKS}/{link}")
        _write(path + "/link", link)
        if lower:
            os.mkdir(path + "/work", 0o700)
            _write(path + "/lower", ":".join(f"{LINKS}/{name}" for name in lower))

    def commit(self, cache_id: str) -> None:
        """Mark it as whole."""
        _write(self.path(cache_id, "committed"), "")

    def remove(self, cache_id: str, link: str = "") -> None:
        """Remove a directory and its short name."""
        if not link:
            with suppress(OSError), open(self.path(cache_id, "link")) as file:
                link = file.read(64)
        if link.isalnum():
            with suppress(FileNotFoundError):
                os.unlink(f"{self.home}/{LINKS}/{link}")
        self._trash.throw(self.path(cache_id))

    def names(self) -> set[str]:
        """All directories, whoever they are of."""
        return set(os.listdir(self.home)) - {LINKS}

    def remove_links_but(self, known: set[str]) -> None:
        """Remove short names that nobody knows."""
        for name in set(os.listdir(f"{self.home}/{LINKS}")) - known:
            os.unlink(f"{self.home}/{LINKS}/{name}")


def _spread(path: str) -> None:
    """Let ext4 put each directory made in `path` into a block group of its own.

    Otherwise all share the group of `path`, where ext4 passes over every inode that was deleted in
    the last 35 seconds, one by one, for each file that is made: after the removal of an image, ten
    times as slow.  Other file systems have no such flag, and no such need.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = int.from_bytes(fcntl.ioctl(fd, _FS_IOC_GETFLAGS, bytes(8))[:4], sys.byteorder)
        if not flags & _FS_TOPDIR_FL:
            wanted = (flags | _FS_TOPDIR_FL).to_bytes(4, sys.byteorder) + bytes(4)
            fcntl.ioctl(fd, _FS_IOC_SETFLAGS, wanted)
    except OSError:
        return
    finally:
        os.close(fd)


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        if text:
            os.write(fd, text.encode())
    finally:
        os.close(fd)
