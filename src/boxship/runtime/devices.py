"""Device nodes and the links beside them, in the container's /dev."""

import errno
import os
import stat

from boxship.kernel import mounts as km
from boxship.kernel.ignoring import ignoring
from boxship.model.errors import Invalid
from boxship.runtime import inside
from boxship.runtime.operations import Operation, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}

# runtime-spec config-linux.md, "Default Devices"; /dev/ptmx is a link, /dev/console the terminal.
_DEFAULTS = (
    ("/dev/null", 1, 3), ("/dev/random", 1, 8), ("/dev/full", 1, 7),
    ("/dev/tty", 5, 0), ("/dev/zero", 1, 5), ("/dev/urandom", 1, 9),
)  # fmt: skip
_LINKS = (
    ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"), ("/dev/stderr", "/proc/self/fd/2"),
)  # fmt: skip


class MakeDevice(Operation):
    """One node, by mknod(2); in a user namespace the host's node is bound instead."""

    def __init__(self, device: "dict[str, Any]", *, bind: bool) -> None:
        """An entry of `linux.devices`."""
        if device.get("type") not in _KINDS:
            raise Invalid(f"device {device.get('path')} has unknown type {device.get('type')!r}")
        self.path = device["path"]
        self.kind = _KINDS[device["type"]]
        self.number = os.makedev(device.get("major") or 0, device.get("minor") or 0)
        mode = device.get("fileMode")
        self.mode = stat.S_IMODE(0o666 if mode is None else mode)
        self.owner = (device.get("uid") or 0, device.get("gid") or 0)
        self.bind = bind and self.kind != stat.S_IFIFO

    def describe(self) -> str:
        """`make the device /dev/fuse (10:229)`."""
        return f"make the device {self.path} ({os.major(self.number)}:{os.minor(self.number)})"

    def execute(self, stage: Stage) -> None:
        """In its directory by descriptor: a link there is not followed."""
        if self.bind:
            self._bind(stage)
            return
        parent, name = inside.parent_of(stage.root, self.path)
        try:
            os.mknod(name, self.kind | self.mode, self.number, dir_fd=parent)
        except FileExistsError:
            self._check(parent, name)
        except PermissionError:
            self._bind(stage)
            return
        else:
            os.chmod(name, self.mode, dir_fd=parent)
            if self.owner != (0, 0):
                os.chown(name, *self.owner, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def _check(self, parent: int, name: str) -> None:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        same = stat.S_IFMT(status.st_mode) == self.kind and status.st_rdev == self.number
        if not same:
            raise OSError(errno.EEXIST, "another file is there already")

    def _bind(self, stage: Stage) -> None:
        tree = km.open_tree(-100, self.path, km.OPEN_TREE_CLONE | km.OPEN_TREE_CLOEXEC)
        try:
            target = inside.make_file(stage.root, self.path)
            km.move_mount(tree, target)
            os.close(target)
        finally:
            os.close(tree)


class Link(Operation):
    """A symbolic link; whatever has its name keeps it, unless it is to be replaced."""

    def __init__(self, path: str, target: str, *, replace: bool = False) -> None:
        """`path` in the container."""
        self.path = path
        self.target = target
        self.replace = replace

    def describe(self) -> str:
        """`link /dev/fd to /proc/self/fd`."""
        return f"link {self.path} to {self.target}"

    def execute(self, stage: Stage) -> None:
        """In its directory by descriptor."""
        parent, name = inside.parent_of(stage.root, self.path)
        try:
            if self.replace:
                with ignoring(FileNotFoundError):
                    os.unlink(name, dir_fd=parent)
            os.symlink(self.target, name, dir_fd=parent)
        except FileExistsError:
            pass
        finally:
            os.close(parent)


def plan_devices(devices: "list[dict[str, Any]]", *, bind: bool) -> list[Operation]:
    """The default devices, those of the spec (which come instead, path by path), the links."""
    named = {os.path.normpath(device["path"]) for device in devices}
    defaults = [
        {"path": path, "type": "c", "major": major, "minor": minor}
        for path, major, minor in _DEFAULTS
        if path not in named
    ]
    plan: list[Operation] = [MakeDevice(device, bind=bind) for device in defaults]
    plan += [MakeDevice(device, bind=bind) for device in devices if not _is_ptmx(device)]
    plan += [Link("/dev/ptmx", "pts/ptmx", replace=True)]
    plan += [Link(path, target) for path, target in _LINKS]
    if os.path.exists("/proc/kcore"):
        plan.append(Link("/dev/core", "/proc/kcore"))
    return plan


def _is_ptmx(device: "dict[str, Any]") -> bool:
    """The container's own /dev/pts/ptmx serves for it; console is bound later."""
    return os.path.normpath(device["path"]) in ("/dev/ptmx", "/dev/console")
