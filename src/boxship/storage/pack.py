"""A directory becomes a tar: in order of names, so that the same tree is the same archive."""

import errno
import os
import stat
from collections.abc import Callable, Iterator

from boxship.storage import walking
from boxship.wire import tar

CHUNK = 1 << 20

_KINDS = {
    stat.S_IFDIR: tar.DIRECTORY,
    stat.S_IFLNK: tar.SYMLINK,
    stat.S_IFCHR: tar.CHARACTER,
    stat.S_IFBLK: tar.BLOCK_DEVICE,
    stat.S_IFIFO: tar.FIFO,
    stat.S_IFREG: b"0",
}
Wanted = Callable[[bytes], bool]


def everything(path: bytes) -> bool:
    """Leave nothing out."""
    return bool(path)


class Pieces:
    """An iterator of bytes as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Read from `pieces`."""
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = CHUNK, /) -> bytes:
        """At most `size` bytes; none at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def pack(root: str, wanted: Wanted = everything) -> Iterator[bytes]:
    """The archive of all below `root` that is `wanted`, by its path, piece by piece."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    seen: dict[tuple[int, int], bytes] = {}
    try:
        for path, directory, name, status in walking.walk(fd, wanted):
            yield from _pack_entry(directory, name, path, status, seen)
    finally:
        os.close(fd)
    yield tar.END


def _pack_entry(
    fd: int,
    name: bytes,
    path: bytes,
    status: os.stat_result,
    seen: dict[tuple[int, int], bytes],
) -> Iterator[bytes]:
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return  # a socket: only its process can make it
    try:
        header = describe(fd, name, status)
        file = _opened(fd, name) if header.data else -1
    except OSError as error:
        walking.unless_lost(error)
        return
    header.name = path + b"/" if kind == tar.DIRECTORY else path
    header.kind = kind
    first = seen.setdefault((status.st_dev, status.st_ino), path) if status.st_nlink > 1 else path
    try:
        if kind != tar.DIRECTORY and first != path:
            header.kind, header.link, header.data, header.xattrs = tar.HARD_LINK, first, 0, {}
        yield tar.build(header)
        if header.data:
            yield from _contents(file, header.data)
    finally:
        if file >= 0:
            os.close(file)


def _opened(fd: int, name: bytes) -> int:
    """A regular file.  By now its name may be a device's or a fifo's, which is not even opened."""
    found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise FileNotFoundError(errno.ENOENT, "another file has its name")
        return os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(found)


def describe(fd: int, name: bytes, status: os.stat_result) -> tar.Header:
    """A header with all that is known of an entry but its path and kind."""
    header = tar.Header(name, b"0", status.st_size if stat.S_ISREG(status.st_mode) else 0)
    header.mode = stat.S_IMODE(status.st_mode)
    header.uid, header.gid = status.st_uid, status.st_gid
    header.mtime_ns = status.st_mtime_ns
    if stat.S_ISLNK(status.st_mode):
        header.link = os.readlink(name, dir_fd=fd)
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        header.major, header.minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    else:
        header.xattrs = _xattrs(b"/proc/self/fd/%d/%s" % (fd, name))
    return header


def _xattrs(path: bytes) -> dict[bytes, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return {}
    return {
        os.fsencode(name): os.getxattr(path, name, follow_symlinks=False)
        for name in names
        if name == "security.capability" or name.startswith("user.")
    }


def _contents(file: int, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes, whatever becomes of the file meanwhile."""
    left = size
    while left:
        piece = os.read(file, min(CHUNK, left)) or bytes(min(CHUNK, left))
        left -= len(piece)
        yield piece
    yield bytes(-size % tar.BLOCK)
