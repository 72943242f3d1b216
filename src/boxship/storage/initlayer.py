"""The init layer: what Docker puts between an image and a container.

Mount points that every container needs, empty, and links of the image out of their way: `/etc` of
an image may be a link, and would then lead whoever makes files there elsewhere.  What it takes is
planned once for an image, then carried out for each container.
"""

import os
import stat

from boxship.storage.attributes import OPAQUE_XATTR
from boxship.storage.view import Known, View

_ENTRIES = (
    ("dev/pts", "directory"),
    ("dev/shm", "directory"),
    ("proc", "directory"),
    ("sys", "directory"),
    (".dockerenv", "file"),
    ("etc/resolv.conf", "file"),
    ("etc/hosts", "file"),
    ("etc/hostname", "file"),
    ("dev/console", "file"),
    ("etc/mtab", "/proc/mounts"),
)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class MakeDirectory:
    """A directory: like the one of the image, or new and hiding what is there."""

    def __init__(self, path: str, like: Known | None, hiding: bool) -> None:
        """Plan it."""
        self.path = path
        self.like = like
        self.hiding = hiding

    def describe(self) -> str:
        """In words."""
        return f"make directory /{self.path}"

    def execute(self, root: int) -> None:
        """Make it below `root`."""
        if self.like is not None:
            self.like.make_directory(root, self.path)
            return
        os.mkdir(self.path, 0o755, dir_fd=root)
        if self.hiding:
            os.setxattr(f"/proc/self/fd/{root}/{self.path}", OPAQUE_XATTR, b"y")


class MakeFile:
    """An empty file to mount on."""

    def __init__(self, path: str) -> None:
        """Plan it."""
        self.path = path

    def describe(self) -> str:
        """In words."""
        return f"make file /{self.path}"

    def execute(self, root: int) -> None:
        """Make it below `root`."""
        os.close(os.open(self.path, _CREATE, 0o755, dir_fd=root))


class MakeLink:
    """A symbolic link."""

    def __init__(self, path: str, target: str) -> None:
        """Plan it."""
        self.path = path
        self.target = target

    def describe(self) -> str:
        """In words."""
        return f"link /{self.path} to {self.target}"

    def execute(self, root: int) -> None:
        """Make it below `root`."""
        os.symlink(self.target, self.path, dir_fd=root)


Operation = MakeDirectory | MakeFile | MakeLink


class InitPlan:
    """What the init layer of one image consists of, and what the root of its tree is like."""

    def __init__(self, view: View | None) -> None:
        """Look at the image from above; None is the empty image."""
        self.root = os.fstat(view.fd) if view is not None else None
        self.operations: list[Operation] = []
        self._made: set[str] = set()
        for path, kind in _ENTRIES:
            self._plan(path, kind, view)

    def _plan(self, path: str, kind: str, view: View | None) -> None:
        parent = path.partition("/")[0] if "/" in path else ""
        hidden = bool(parent) and self._is_hidden(parent, view)
        known = None if view is None or hidden else view.lookup(path.encode())
        if known is not None and known.is_directory:
            return
        if parent:
            self._plan_directory(parent, view)
        if kind == "directory":
            self.operations.append(MakeDirectory(path, None, hiding=known is not None))
        elif kind == "file":
            self.operations.append(MakeFile(path))
        else:
            self.operations.append(MakeLink(path, kind))

    def _is_hidden(self, parent: str, view: View | None) -> bool:
        known = view.lookup(parent.encode()) if view is not None else None
        return known is not None and not known.is_directory

    def _plan_directory(self, path: str, view: View | None) -> None:
        if path in self._made:
            return
        self._made.add(path)
        known = view.lookup(path.encode()) if view is not None else None
        if known is not None and known.is_directory:
            self.operations.append(MakeDirectory(path, known, hiding=False))
        else:
            self.operations.append(MakeDirectory(path, None, hiding=known is not None))

    def make_root(self, path: str) -> None:
        """Give a new directory what the root of the image has: overlayfs shows the upper's."""
        if self.root is None:
            return
        os.chmod(path, stat.S_IMODE(self.root.st_mode))
        if (self.root.st_uid, self.root.st_gid) != (0, 0):
            os.chown(path, self.root.st_uid, self.root.st_gid)

    def carry_out(self, path: str) -> None:
        """Make the init layer in `path`, an empty directory."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for operation in self.operations:
                operation.execute(fd)
        finally:
            os.close(fd)
