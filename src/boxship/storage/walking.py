"""A tree that a running container may change is walked: its links lead nowhere, its depth is free.

A directory is opened from its parent's descriptor, or from the root by openat2(2) with links
refused; one descriptor is enough for any depth.  What goes away meanwhile is left out.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator

from boxship.kernel.files import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2

# What opening and looking says when somebody was faster.
LOST = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.EINVAL})

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
_PIECE = 2048  # openat2 takes paths of less than 4,096 bytes

# (path below the root, descriptor of its directory, its name there, its status)
Entry = tuple[bytes, int, bytes, os.stat_result]


def open_directory(root: int, path: bytes) -> int:
    """The directory `path` below `root`, through real directories only."""
    fd = os.open(".", _DIRECTORY, dir_fd=root)
    while path:
        cut = path.rfind(b"/", 0, _PIECE) if len(path) >= _PIECE else len(path)
        piece, path = path[:cut], path[cut + 1 :]
        try:
            below = openat2(fd, piece, _DIRECTORY, resolve=_RESOLVE)
        finally:
            os.close(fd)
        fd = below
    return fd


def walk(root: int, wanted: Callable[[bytes], bool] = bool) -> Iterator[Entry]:
    """Every entry below `root` whose path is `wanted`, in order of names, directories first."""
    walker = _Walker(root)
    try:
        while walker.pending:
            path, names = walker.pending[-1]
            if not names:
                walker.leave()
                continue
            name = names.pop()
            inner = path + b"/" + name if path else name
            if not wanted(inner):
                continue
            try:
                status = os.lstat(name, dir_fd=walker.fd)
            except FileNotFoundError:
                continue
            yield inner, walker.fd, name, status
            if stat.S_ISDIR(status.st_mode):
                walker.enter(inner, name)
    finally:
        walker.close()


class _Walker:
    """Where it is: the directories above, each with the names that are still to come, last first.

    `fd` is of the innermost that has any.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self.fd = os.open(".", _DIRECTORY, dir_fd=root)
        self.pending = [(b"", _names(self.fd))]

    def enter(self, path: bytes, name: bytes) -> None:
        """Go on in `name` of the current directory."""
        try:
            below = os.open(name, _DIRECTORY, dir_fd=self.fd)
        except OSError as error:
            unless_lost(error)
            return
        self.close()
        self.fd = below
        self.pending.append((path, _names(below)))

    def leave(self) -> None:
        """Go back to the parent, if there is more to see."""
        self.pending.pop()
        if not self.pending or not self.pending[-1][1]:
            return
        path, names = self.pending[-1]
        self.close()
        try:
            self.fd = open_directory(self._root, path)
        except OSError as error:
            unless_lost(error)
            names.clear()

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def _names(fd: int) -> list[bytes]:
    return sorted(map(os.fsencode, os.listdir(fd)), reverse=True)


def unless_lost(error: OSError) -> None:
    """Raise it again if it says more than that something is not what it was."""
    if error.errno not in LOST:
        raise error
