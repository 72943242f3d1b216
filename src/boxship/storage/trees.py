"""Whole trees: removed, measured.  By descriptors only: no link in a tree leads out of it."""

import os
import stat
from contextlib import suppress

from boxship.storage import walking

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 100


def remove_tree(path: str) -> None:
    """Remove `path` and all below it; it is fine if it is gone already."""
    parent, _, name = path.rpartition("/")
    try:
        parent_fd = os.open(parent or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        remove_at(parent_fd, os.fsencode(name))
    finally:
        os.close(parent_fd)


def remove_at(dir_fd: int, name: bytes) -> None:
    """Remove the entry `name` of a directory, and all below it."""
    try:
        os.unlink(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        _remove_directory(dir_fd, name)


class _Level:
    """A directory that is being emptied, and its subdirectories that are still to go."""

    def __init__(self, parent: int, name: bytes) -> None:
        self.parent = parent
        self.name = name
        self.fd = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            self.pending = self._unlink_files()
        except BaseException:
            os.close(self.fd)
            raise

    def _unlink_files(self) -> list[bytes]:
        with os.scandir(self.fd) as entries:
            found = [(os.fsencode(e.name), e.is_dir(follow_symlinks=False)) for e in entries]
        for name, is_directory in found:
            if not is_directory:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self.fd)
        return [name for name, is_directory in found if is_directory]

    def finish(self) -> None:
        """Close it and remove it."""
        os.close(self.fd)
        with suppress(FileNotFoundError):
            os.rmdir(self.name, dir_fd=self.parent)


def _remove_directory(dir_fd: int, name: bytes) -> None:
    """Depth first with one descriptor a level; what lies too deep is moved up and comes later."""
    levels = [_Level(dir_fd, name)]
    moved = 0
    try:
        while levels:
            level = levels[-1]
            if not level.pending:
                levels.pop().finish()
                continue
            below = level.pending.pop()
            if len(levels) < _DEEPEST:
                levels.append(_Level(level.fd, below))
                continue
            moved += 1
            higher = b".deep-%d-%d" % (os.getpid(), moved)
            os.rename(below, higher, src_dir_fd=level.fd, dst_dir_fd=levels[0].fd)
            levels[0].pending.append(higher)
    finally:
        for level in levels:
            os.close(level.fd)


def usage(path: str) -> int:
    """The bytes of all files below `path`, a file with several names once."""
    total = 0
    seen: set[tuple[int, int]] = set()
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for _, _, _, status in walking.walk(fd):
            key = (status.st_dev, status.st_ino)
            if stat.S_ISDIR(status.st_mode) or (status.st_nlink > 1 and key in seen):
                continue
            if status.st_nlink > 1:
                seen.add(key)
            total += status.st_size
    finally:
        os.close(fd)
    return total
