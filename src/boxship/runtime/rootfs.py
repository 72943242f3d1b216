"""The root of a container: entered before the mounts, made the only root after them."""

import os
import stat

from boxship.kernel import filesystems as fs
from boxship.kernel import mounts as km
from boxship.kernel.filesystems import Attributes, mount_setattr
from boxship.model.errors import Invalid
from boxship.runtime import inside
from boxship.runtime.operations import Operation, Stage, import_no_more

_CLONE_TREE = km.OPEN_TREE_CLONE | km.OPEN_TREE_CLOEXEC
_PROPAGATION = {
    "": km.MS_SLAVE,
    "shared": km.MS_SHARED,
    "slave": km.MS_SLAVE,
    "private": km.MS_PRIVATE,
    "unbindable": km.MS_UNBINDABLE,
}


def propagation_flag(word: str) -> int:
    """The flag of `rootfsPropagation`, which may be spelled with an r in front."""
    plain = word[1:] if word[:1] == "r" else word
    if plain not in _PROPAGATION:
        raise Invalid(f"rootfsPropagation={word} is not supported")
    return _PROPAGATION[plain]


class CutPropagation(Operation):
    """What is mounted from now on stays in this namespace, unless the spec shares it."""

    def __init__(self, word: str) -> None:
        """`rootfsPropagation` of the spec."""
        flag = propagation_flag(word)
        # An unbindable tree could not give the container its root and its volumes.
        self.flag = km.MS_PRIVATE if flag == km.MS_UNBINDABLE else flag
        self.word = word or "slave"

    def describe(self) -> str:
        """`make / slave`."""
        return f"make / {self.word}"

    def execute(self, stage: Stage) -> None:
        """The whole tree of the new mount namespace."""
        del stage
        km.mount(None, "/", None, self.flag | km.MS_REC)


class EnterRootfs(Operation):
    """The directory becomes a mount of its own and is held by descriptor from then on."""

    def __init__(self, path: str, *, shared: bool = False) -> None:
        """An absolute path of the host; `shared`: its mount may still be shared with the host."""
        self.path = path
        self.shared = shared

    def describe(self) -> str:
        """`bind the root file system /x/rootfs on itself`."""
        return f"bind the root file system {self.path} on itself"

    def execute(self, stage: Stage) -> None:
        """pivot_root(2) wants a mount whose parent is not shared."""
        tree = km.open_tree(-100, self.path, _CLONE_TREE | km.AT_RECURSIVE)
        where = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stage.own_fds = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if fs.filesystem_magic(stage.own_fds) != fs.PROC_MAGIC:
            raise Invalid("/proc of this host is not procfs")
        if self.shared:
            _make_parent_private(self.path)
        km.move_mount(tree, where)
        os.close(where)
        mount_setattr(tree, Attributes(propagation=km.MS_PRIVATE))
        stage.root = tree
        stage.root_path = os.readlink(str(tree), dir_fd=stage.own_fds)


def _make_parent_private(path: str) -> None:
    """pivot_root(2) refuses a root on a shared mount, which it is with rootfsPropagation=shared."""
    with open("/proc/self/mountinfo", "rb") as mountinfo:
        points = [os.fsdecode(line.split()[4]) for line in mountinfo]
    real = os.path.realpath(path) + "/"
    on = max((point for point in points if real.startswith(point.rstrip("/") + "/")), key=len)
    fd = os.open(on, os.O_PATH | os.O_CLOEXEC)
    mount_setattr(fd, Attributes(propagation=km.MS_PRIVATE))
    os.close(fd)


class PivotRoot(Operation):
    """The container's root becomes the only one; nothing of the old stays reachable by path."""

    def describe(self) -> str:
        """`pivot_root`."""
        return "pivot_root into the root file system"

    def execute(self, stage: Stage) -> None:
        """By `.` twice: the old root is stacked on the new one, and taken away from there."""
        import_no_more()
        old = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fchdir(stage.root)
        km.pivot_root(".", ".")
        os.fchdir(old)
        # Slave first, or the umount would reach the host's mounts.
        km.mount(None, ".", None, km.MS_SLAVE | km.MS_REC)
        km.umount2(".", km.MNT_DETACH)
        os.chdir("/")
        os.close(old)
        stage.root_path = "/"


class ChangeRoot(Operation):
    """Without pivot_root, where the root file system is on a ramdisk (runc's --no-pivot)."""

    def describe(self) -> str:
        """`move the root`."""
        return "move the root file system to / and chroot"

    def execute(self, stage: Stage) -> None:
        """Mount over / and chroot(2): the old mounts stay below."""
        import_no_more()
        os.fchdir(stage.root)
        km.mount(stage.root_path, "/", None, km.MS_MOVE)
        os.chroot(".")
        os.chdir("/")
        stage.root_path = "/"


class SetRootPropagation(Operation):
    """What the spec wants of the new root, once it is the root."""

    def __init__(self, word: str) -> None:
        """`rootfsPropagation` of the spec."""
        self.word = word
        self.flag = propagation_flag(word)

    def describe(self) -> str:
        """`make the new root shared`."""
        return f"make the new root {self.word}"

    def execute(self, stage: Stage) -> None:
        """The mount alone."""
        mount_setattr(stage.root, Attributes(propagation=self.flag))


class ReadonlyRoot(Operation):
    """`root.readonly`."""

    def describe(self) -> str:
        """`make the root read-only`."""
        return "make the root file system read-only"

    def execute(self, stage: Stage) -> None:
        """Its mount alone; mounts in it keep their own."""
        mount_setattr(stage.root, Attributes(fs.MOUNT_ATTR_RDONLY))


class MaskPath(Operation):
    """A file reads as empty, a directory as empty and read-only."""

    def __init__(self, path: str) -> None:
        """A path in the container; one that does not exist needs no mask."""
        self.path = path

    def describe(self) -> str:
        """`mask /proc/kcore`."""
        return f"mask {self.path}"

    def execute(self, stage: Stage) -> None:
        """A file is covered by /dev/null; a directory by one tmpfs, the same for all."""
        try:
            fd = inside.opened(stage.root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            directory = stat.S_ISDIR(os.fstat(fd).st_mode)
            tree = _mask_of_directories(stage) if directory else _mask_of_files(stage)
            km.move_mount(tree, fd)
        finally:
            os.close(fd)
        if stage.empty == -1 and directory:
            stage.empty = tree
        else:
            os.close(tree)


# Before Linux 6.15 only what is attached can be cloned: hence the file by its path, and the first
# tmpfs, once it has a place, for all that come after it.


def _mask_of_files(stage: Stage) -> int:
    if stage.null == -1:
        stage.null = null_device(stage)
    return km.open_tree(stage.null, "", _CLONE_TREE | km.AT_EMPTY_PATH)


def _mask_of_directories(stage: Stage) -> int:
    if stage.empty == -1:
        return _empty_directory()
    return km.open_tree(stage.empty, "", _CLONE_TREE | km.AT_EMPTY_PATH)


def null_device(stage: Stage) -> int:
    """The container's /dev/null, held by descriptor, if it is /dev/null (CVE-2025-31133)."""
    fd = inside.opened(stage.root, "/dev/null", os.O_PATH | os.O_NOFOLLOW)
    status = os.fstat(fd)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != os.makedev(1, 3):
        raise Invalid("/dev/null of the container is not the null device")
    return fd


def _empty_directory() -> int:
    context = km.fsopen("tmpfs")
    try:
        km.fsconfig_string(context, "size", "0")
        km.fsconfig_string(context, "nr_blocks", "1")
        km.fsconfig_create(context)
        return km.fsmount(context, fs.MOUNT_ATTR_RDONLY)
    finally:
        os.close(context)


class ReadonlyPath(Operation):
    """A path that cannot be written through."""

    def __init__(self, path: str) -> None:
        """A path in the container; one that does not exist needs nothing."""
        self.path = path

    def describe(self) -> str:
        """`make /proc/sys read-only`."""
        return f"make {self.path} read-only"

    def execute(self, stage: Stage) -> None:
        """The tree is cloned, made read-only, and put over itself."""
        try:
            fd = inside.opened(stage.root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            flags = _CLONE_TREE | km.AT_EMPTY_PATH | km.AT_RECURSIVE
            tree = km.open_tree(fd, "", flags)
            mount_setattr(tree, Attributes(fs.MOUNT_ATTR_RDONLY), recursive=True)
            km.move_mount(tree, fd)
            os.close(tree)
        finally:
            os.close(fd)
