"""Looking into the root of a container, and making directories in it: no link leads out."""

import errno
import os
import shutil
import stat
from contextlib import suppress

from boxship.kernel import files

_FOLDER = os.O_PATH | os.O_DIRECTORY


class Root:
    """A mounted root that may be hostile.  Close it."""

    def __init__(self, path: str) -> None:
        """Look into the root mounted at `path`."""
        self._fd = os.open(path, _FOLDER | os.O_CLOEXEC)

    def read_file(self, path: str, limit: int = 4 << 20) -> bytes | None:
        """A regular file's content, at most `limit` bytes; None if there is no such file."""
        try:
            fd = files.open_in_root(self._fd, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            return file.read(limit)

    def make_directory(self, path: str) -> None:
        """Make a directory and its parents, as root owns them, where they are missing."""
        done = ""
        for name in path.strip("/").split("/"):
            parent, done = done or "/", f"{done}/{name}"
            try:
                os.close(files.open_in_root(self._fd, done, _FOLDER))
            except OSError as e:
                if e.errno != errno.ENOENT:
                    raise
                self._mkdir(parent, name)

    def _mkdir(self, parent: str, name: str) -> None:
        fd = files.open_in_root(self._fd, parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.mkdir(name, 0o755, dir_fd=fd)
        finally:
            os.close(fd)

    def copy_out(self, path: str, target: str) -> None:
        """Copy what a directory holds into `target`; nothing if there is no such directory."""
        try:
            fd = files.open_in_root(self._fd, path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return
        try:
            source = f"/proc/self/fd/{fd}/."
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copy)
            _own(source, target)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the root."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> "Root":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _copy(source: str, target: str) -> None:
    info = os.lstat(source)
    if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode):
        shutil.copy2(source, target, follow_symlinks=False)
        os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)


def _own(source: str, target: str) -> None:
    """Owners of directories: copytree keeps only their modes."""
    for folder, _, _ in os.walk(source):
        here = os.path.normpath(os.path.join(target, os.path.relpath(folder, source)))
        info = os.stat(folder)
        with suppress(OSError):
            os.chown(here, info.st_uid, info.st_gid)
            os.chmod(here, stat.S_IMODE(info.st_mode))
