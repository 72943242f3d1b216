"""Control groups, v1 and v2, behind one set of verbs.  `find` gives the group of a container.

hierarchy   v1: one mount for each controller; v2: one for all
group       a directory in each hierarchy, named by runtime-spec's cgroupsPath
resources   runtime-spec config-linux.md, "Control groups", as it stands in config.json
"""

import errno
import os
import time

from boxship.kernel.filesystems import CGROUP2_MAGIC, filesystem_magic
from boxship.kernel.ignoring import ignoring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOUNT_POINT = "/sys/fs/cgroup"


def read(path: str) -> str:
    """The text of a small file of the kernel."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 20).decode()
    finally:
        os.close(fd)


def write(path: str, value: str) -> None:
    """Write a control file in one write(2); an error names file and value."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    except OSError as error:
        shown = value if len(value) < 80 else value[:77] + "..."
        raise OSError(
            error.errno, f"write {shown!r} to {path}: {os.strerror(error.errno or 0)}"
        ) from error
    finally:
        os.close(fd)


def numbers(text: str) -> dict[str, int]:
    """Lines of `key value`, as in memory.stat."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def remove_tree(path: str, *, patience: float = 2.0) -> None:
    """Remove a group and the groups below it; EBUSY is retried until `patience` seconds passed.

    A group whose last process has just been reaped can stay busy for some milliseconds.
    """
    deadline = time.monotonic() + patience
    delay = 0.001
    while True:
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
                raise
            if time.monotonic() > deadline:
                raise
            for child in subgroups(path):
                remove_tree(child, patience=0.0 if delay > 0.001 else patience)
            time.sleep(delay)
            delay = min(delay * 2, 0.05)
        else:
            return


def subgroups(path: str) -> list[str]:
    """The groups directly below a group."""
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def pids_below(path: str) -> list[int]:
    """Every process in a group and in the groups below it."""
    try:
        found = [int(pid) for pid in read(f"{path}/cgroup.procs").split()]
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
        return []
    for child in subgroups(path):
        found += pids_below(child)
    return found


class Group:
    """The group of one container.  `paths` is what to keep: {hierarchy: directory}."""

    def __init__(self, paths: dict[str, str]) -> None:
        """The group at `paths`, whether or not it exists."""
        self.paths = paths

    @property
    def main(self) -> str:
        """The directory that says which processes are in the group."""
        raise NotImplementedError

    def create(self) -> None:
        """Make the directories; an existing one is kept."""
        raise NotImplementedError

    def entrance(self) -> "Entrance":
        """What a new process needs to be in the group, opened by whoever has the right to."""
        raise NotImplementedError

    def apply(self, resources: "dict[str, Any]") -> None:
        """Set the limits that `resources` names; the others stay."""
        raise NotImplementedError

    def freeze(self, frozen: bool) -> None:
        """Stop, or let run again, every process; returns when all are there."""
        raise NotImplementedError

    def is_frozen(self) -> bool:
        """Whether `freeze` is in force."""
        raise NotImplementedError

    def stats(self) -> "dict[str, Any]":
        """Usage: cpu, memory, pids, blkio; nanoseconds and bytes."""
        raise NotImplementedError

    def oom_events(self) -> "OomEvents | None":
        """Something to poll for the out-of-memory killer, or None where there is no controller."""
        raise NotImplementedError

    def pids(self) -> list[int]:
        """Every process of the group and of groups below it."""
        return sorted(pids_below(self.main))

    def exists(self) -> bool:
        """Whether the group is there."""
        return os.path.isdir(self.main)

    def signal(self, number: int) -> None:
        """Send a signal to every process."""
        for pid in self.pids():
            with ignoring(ProcessLookupError):
                os.kill(pid, number)

    def kill(self, patience: float = 5.0) -> None:
        """SIGKILL to every process until none is left; a frozen group is thawed for it."""
        deadline = time.monotonic() + patience
        while self.pids() and time.monotonic() < deadline:
            self.signal(9)
            if self.is_frozen():
                self.freeze(False)
            time.sleep(0.001)

    def remove(self, patience: float = 2.0) -> None:
        """Remove the directories; the parents stay."""
        for path in self.paths.values():
            remove_tree(path, patience=patience)


class Entrance:
    """The way into a group for a process that is being made.

    Moving another process costs the kernel a grace period of RCU, 7 to 20 ms of waiting.  Two
    ways cost nothing: to be born in the group (v2), and to move oneself while one has a single
    thread (v1: `0` into `tasks`).  The files are opened before, by the creator: the kernel asks
    for the rights of who opened them, and the new process may be in another root by then.
    """

    def __init__(self, born: int = -1, doors: list[int] | None = None) -> None:
        """`born`: the directory for clone3(2); `doors`: files for the process to write to."""
        self.born = born
        self.doors = doors or []

    @property
    def keep(self) -> set[int]:
        """What the new process must keep open until it has entered."""
        return set(self.doors)

    def enter(self) -> None:
        """Called by the new process itself."""
        for door in self.doors:
            os.write(door, b"0")

    def close(self) -> None:
        """The creator's descriptors."""
        for fd in (*self.doors, *([self.born] if self.born >= 0 else [])):
            os.close(fd)


class OomEvents:
    """Readable when the out-of-memory killer may have worked in the group."""

    def fileno(self) -> int:
        """The descriptor to poll, for `events`."""
        raise NotImplementedError

    def happened(self) -> int:
        """How often since the last call; does not block."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is held open."""
        raise NotImplementedError


def is_unified(mount_point: str = MOUNT_POINT) -> bool:
    """Whether the host runs cgroup v2 alone."""
    fd = os.open(mount_point, os.O_PATH | os.O_CLOEXEC)
    try:
        return filesystem_magic(fd) == CGROUP2_MAGIC
    finally:
        os.close(fd)


def own_paths() -> dict[str, str]:
    """/proc/self/cgroup: {controllers: path}; the key of v2 is ''."""
    lines = (line.split(":", 2) for line in read("/proc/self/cgroup").splitlines())
    return {controllers: path for _, controllers, path in lines}


def find(cgroups_path: str, container_id: str) -> Group:
    """The group that runtime-spec's `cgroupsPath` names, not made yet.

    Absolute: below the root of each hierarchy.  Relative or empty: below our own group.
    """
    if is_unified():
        from boxship.kernel import cgroups_v2

        return cgroups_v2.find(_place(cgroups_path, container_id, own_paths().get("", "/")))
    from boxship.kernel import cgroups_v1

    own = {} if cgroups_path.startswith("/") else own_paths()
    return cgroups_v1.GroupV1(
        {
            hierarchy: point + _place(cgroups_path, container_id, own.get(hierarchy, "/"))
            for hierarchy, point in cgroups_v1.known_hierarchies().items()
        }
    )


def at(paths: dict[str, str]) -> Group:
    """The group at directories that an earlier process kept."""
    if set(paths) == {""}:
        from boxship.kernel import cgroups_v2

        return cgroups_v2.GroupV2(paths)
    from boxship.kernel import cgroups_v1

    return cgroups_v1.GroupV1(paths)


def _place(cgroups_path: str, container_id: str, own: str) -> str:
    """The group's path from the root of a hierarchy; `..` cannot leave it."""
    wanted = cgroups_path or container_id
    below = "/" if wanted.startswith("/") else own
    return os.path.normpath(f"/{below}/{os.path.normpath('/' + wanted)}").replace("//", "/")
