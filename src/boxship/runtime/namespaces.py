"""The namespaces of a container: which are made by clone(2), which are joined, in which order."""

import os

from boxship.kernel import namespaces as kn
from boxship.model.errors import Invalid, System
from boxship.runtime.operations import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILES = {
    "pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc",
    "uts": "uts", "user": "user", "cgroup": "cgroup", "time": "time",
}  # fmt: skip

# Joined by the creator, for its child is born in them; the rest by the child itself.
_BY_CREATOR = ("pid", "network", "ipc", "uts", "time")


class Namespaces:
    """What the spec says, sorted by who does it and when.

    clone   made by clone(2): pid, network, mount, ipc, uts, user
    late    made after the group is joined: cgroup
    join    {type: path} of those that exist already
    time    a new time namespace: its offsets are set before anybody lives in it
    """

    def __init__(self, entries: "list[dict[str, Any]]") -> None:
        """From `linux.namespaces`."""
        self.join: dict[str, str] = {}
        self.new: set[str] = set()
        for entry in entries:
            kind = entry.get("type", "")
            if kind not in kn.FLAGS:
                raise Invalid(f"namespace {kind!r} does not exist")
            if kind in self.join or kind in self.new:
                raise Invalid(f"duplicate namespace {kind!r}")
            if entry.get("path"):
                self.join[kind] = entry["path"]
            else:
                self.new.add(kind)

    @property
    def clone_flags(self) -> int:
        """For clone(2); time would collide with the exit signal, cgroup comes after joining."""
        return sum(kn.FLAGS[kind] for kind in self.new if kind not in ("cgroup", "time"))

    def is_private(self, kind: str) -> bool:
        """Whether the container does not share the runtime's namespace."""
        return kind in self.new or kind in self.join

    def open_paths(self) -> dict[str, int]:
        """A descriptor of every namespace to join, checked to be of its type."""
        return {kind: _open(kind, path) for kind, path in self.join.items()}


def _open(kind: str, path: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise System(f"open the {kind} namespace {path}: {reason(error)}") from error
    found = os.readlink(f"/proc/self/fd/{fd}")
    if found.startswith("/"):
        if _is_namespace_file(fd):
            return fd
        os.close(fd)
        raise Invalid(f"{path} is not a {kind} namespace")
    return fd


def _is_namespace_file(fd: int) -> bool:
    from boxship.kernel.filesystems import filesystem_magic

    return filesystem_magic(fd) == 0x6E736673


class CreatorStays:
    """The creator enters namespaces so that its child is born there, and comes back."""

    def __init__(self, fds: dict[str, int], *, new_time: bool) -> None:
        """`fds` as from `Namespaces.open_paths`."""
        self.enter = [(kind, fds[kind]) for kind in _BY_CREATOR if kind in fds]
        self.new_time = new_time
        self.back: list[tuple[str, int]] = []

    def __enter__(self) -> None:
        kinds = [kind for kind, _ in self.enter] + (["time"] if self.new_time else [])
        for kind in kinds:
            file = os.open(f"/proc/self/ns/{_FILES[kind]}", os.O_RDONLY | os.O_CLOEXEC)
            self.back.append((kind, file))
        for kind, fd in self.enter:
            join(kind, fd)
        if self.new_time:
            kn.unshare(kn.CLONE_NEWTIME)

    def __exit__(self, *_: object) -> None:
        for kind, fd in self.back:
            kn.setns(fd, kn.FLAGS[kind])
            os.close(fd)


def join(kind: str, fd: int) -> None:
    """setns(2), with the type checked by the kernel."""
    try:
        kn.setns(fd, kn.FLAGS[kind])
    except OSError as error:
        raise System(f"join the {kind} namespace: {reason(error)}") from error


def join_all(fds: dict[str, int]) -> None:
    """Join what `Namespaces.open_paths` gave: a process that nobody joined them for."""
    for kind in (*_BY_CREATOR, "cgroup"):
        if kind in fds:
            join(kind, fds[kind])


def paths_of(pid: int) -> dict[str, str]:
    """Where the namespaces of a process can be joined, by the names that runc's state uses."""
    names = {
        "network": "NEWNET", "mount": "NEWNS", "pid": "NEWPID", "ipc": "NEWIPC",
        "uts": "NEWUTS", "user": "NEWUSER", "cgroup": "NEWCGROUP", "time": "NEWTIME",
    }  # fmt: skip
    return {names[kind]: f"/proc/{pid}/ns/{file}" for kind, file in _FILES.items()}
