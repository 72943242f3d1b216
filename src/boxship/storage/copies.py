"""A tree is copied to where a running container may write at the same time: a volume.

Nothing is reached by a path that such a container could have put a link into.  A directory is
found from the root of its tree, links refused (walking.py); what is made in it is changed by
descriptor, or in a way that follows no link.  What is there already stays.
"""

import errno
import os
import stat

from boxship.storage.walking import LOST, open_directory

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


def copy_tree(source: int, target: int) -> None:
    """Copy the directory `source`, which rests, into the directory `target`, which may not."""
    _Copy(source, target).run()


class _Copy:
    """Two descriptors, and the directories that are still to do, as paths below both."""

    def __init__(self, source: int, target: int) -> None:
        self._source = source
        self._target = target
        self._pending = [b""]
        self._times: list[tuple[bytes, os.stat_result]] = []
        self._first: dict[tuple[int, int], tuple[bytes, bytes]] = {}

    def run(self) -> None:
        while self._pending:
            path = self._pending.pop()
            reading = open_directory(self._source, path)
            try:
                self._into(path, reading)
            finally:
                os.close(reading)
        for path, status in reversed(self._times):  # a directory's time changes with its entries
            self._set_times(path, status)

    def _into(self, path: bytes, reading: int) -> None:
        try:
            writing = open_directory(self._target, path)
        except OSError as error:
            _unless_lost(error)
            return
        try:
            self._copy_directory(path, reading, writing)
        finally:
            os.close(writing)

    def _copy_directory(self, path: bytes, reading: int, writing: int) -> None:
        status = os.fstat(reading)
        _describe(reading, writing, status)
        self._times.append((path, status))
        for name in map(os.fsencode, os.listdir(reading)):
            try:
                self._copy(path, name, (reading, writing))
            except OSError as error:
                _unless_lost(error)

    def _copy(self, path: bytes, name: bytes, fds: tuple[int, int]) -> None:
        reading, writing = fds
        status = os.lstat(name, dir_fd=reading)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=writing)
            self._pending.append(path + b"/" + name if path else name)
        elif stat.S_ISREG(status.st_mode):
            self._copy_file(path, name, status, fds)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(name, dir_fd=reading), name, dir_fd=writing)
            _own(name, writing, status)
        elif not stat.S_ISSOCK(status.st_mode):  # only its process can make a socket
            os.mknod(name, stat.S_IFMT(status.st_mode), status.st_rdev, dir_fd=writing)
            _own(name, writing, status)
            _set_mode(name, writing, status)

    def _copy_file(
        self, path: bytes, name: bytes, status: os.stat_result, fds: tuple[int, int]
    ) -> None:
        key = (status.st_dev, status.st_ino)
        if key in self._first and self._linked(*self._first[key], name, fds[1]):
            return
        reading = os.open(name, _FILE, dir_fd=fds[0])
        try:
            writing = os.open(name, _CREATE, 0o600, dir_fd=fds[1])
            try:
                while os.sendfile(writing, reading, None, _CHUNK):
                    pass
                _describe(reading, writing, status)
                os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        if status.st_nlink > 1:
            self._first.setdefault(key, (path, name))

    def _linked(self, path: bytes, first: bytes, name: bytes, writing: int) -> bool:
        try:
            fd = open_directory(self._target, path)
        except OSError:
            return False
        try:
            os.link(first, name, src_dir_fd=fd, dst_dir_fd=writing, follow_symlinks=False)
        except FileNotFoundError:
            return False
        finally:
            os.close(fd)
        return True

    def _set_times(self, path: bytes, status: os.stat_result) -> None:
        try:
            fd = open_directory(self._target, path)
        except OSError as error:
            _unless_lost(error)
            return
        try:
            os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(fd)


def _unless_lost(error: OSError) -> None:
    """Somebody was faster, in their own volume: theirs stays."""
    if error.errno not in {*LOST, errno.EEXIST}:
        raise error


def _own(name: bytes, directory: int, status: os.stat_result) -> None:
    os.chown(name, status.st_uid, status.st_gid, dir_fd=directory, follow_symlinks=False)


def _set_mode(name: bytes, directory: int, status: os.stat_result) -> None:
    """By a descriptor of the node itself, which is not opened: it may be a device."""
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        if stat.S_IFMT(os.fstat(fd).st_mode) == stat.S_IFMT(status.st_mode):
            os.chmod(f"/proc/self/fd/{fd}", stat.S_IMODE(status.st_mode))
    finally:
        os.close(fd)


def _describe(reading: int, writing: int, status: os.stat_result) -> None:
    """Owner first: a change of owner takes setuid and file capabilities away."""
    os.fchown(writing, status.st_uid, status.st_gid)
    os.fchmod(writing, stat.S_IMODE(status.st_mode))
    for key in os.listxattr(reading):
        if key != "security.capability" and not key.startswith("user."):
            continue
        try:
            os.setxattr(writing, key, os.getxattr(reading, key))
        except OSError as error:
            if error.errno not in {errno.ENOTSUP, errno.EPERM}:
                raise
