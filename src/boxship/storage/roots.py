"""Looking into the root of a container, and making directories in it: no link leads out."""

import errno
import os
import stat

from boxship.kernel import files
from boxship.storage import copies

_FOLDER = os.O_PATH | os.O_DIRECTORY


class Root:
    """A mounted root that may be hostile.  Close it."""

    def __init__(self, path: str) -> None:
        """Look into the root mounted at `path`."""
        self._fd = os.open(path, _FOLDER | os.O_CLOEXEC)

    def read_file(self, path: str, limit: int = 4 << 20) -> bytes | None:
        """A regular file's content, at most `limit` bytes; None if there is no such file."""
        try:
            found = files.open_in_root(self._fd, path, os.O_PATH)
        except OSError:
            return None
        try:
            # Opened only now: to open a device, as an image may hold it, can already do harm.
            if not stat.S_ISREG(os.fstat(found).st_mode):
                return None
            with open(f"/proc/self/fd/{found}", "rb") as file:
                return file.read(limit)
        finally:
            os.close(found)

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
        """Copy what a directory holds into `target`; nothing if there is no such directory.

        Other containers may be at work in `target`.
        """
        try:
            source = files.open_in_root(self._fd, path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return
        try:
            into = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                copies.copy_tree(source, into)
            finally:
                os.close(into)
        finally:
            os.close(source)

    def close(self) -> None:
        """Let go of the root."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> "Root":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
