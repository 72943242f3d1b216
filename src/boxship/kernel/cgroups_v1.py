"""cgroup v1: one directory in each hierarchy, limits in files named for their controller."""

import errno
import os
import time

from boxship.kernel.cgroups import MOUNT_POINT, Entrance, Group, OomEvents, numbers, read, write
from boxship.kernel.devices import reduce_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Of runtime-spec's names, the files that take the value as it is.  Order: a period before its
# quota, since the kernel checks each write against the other value.
_PLAIN = (
    ("cpu", ("cpu", "shares"), "cpu.shares"),
    ("cpu", ("cpu", "period"), "cpu.cfs_period_us"),
    ("cpu", ("cpu", "quota"), "cpu.cfs_quota_us"),
    ("cpu", ("cpu", "burst"), "cpu.cfs_burst_us"),
    ("cpu", ("cpu", "realtimePeriod"), "cpu.rt_period_us"),
    ("cpu", ("cpu", "realtimeRuntime"), "cpu.rt_runtime_us"),
    ("cpu", ("cpu", "idle"), "cpu.idle"),
    ("cpuset", ("cpu", "cpus"), "cpuset.cpus"),
    ("cpuset", ("cpu", "mems"), "cpuset.mems"),
    ("memory", ("memory", "reservation"), "memory.soft_limit_in_bytes"),
    ("memory", ("memory", "swappiness"), "memory.swappiness"),
    ("memory", ("memory", "kernelTCP"), "memory.kmem.tcp.limit_in_bytes"),
    ("blkio", ("blockIO", "weight"), "blkio.weight"),
    ("blkio", ("blockIO", "leafWeight"), "blkio.leaf_weight"),
    ("net_cls", ("network", "classID"), "net_cls.classid"),
)
_THROTTLES = (
    ("throttleReadBpsDevice", "blkio.throttle.read_bps_device"),
    ("throttleWriteBpsDevice", "blkio.throttle.write_bps_device"),
    ("throttleReadIOPSDevice", "blkio.throttle.read_iops_device"),
    ("throttleWriteIOPSDevice", "blkio.throttle.write_iops_device"),
)
_UNLIMITED = {"cpus", "mems"}  # an empty string means: leave as it is


def hierarchies(mountinfo: str | None = None) -> dict[str, str]:
    """{controllers as in /proc/self/cgroup: mount point} of every v1 hierarchy."""
    text = read("/proc/self/mountinfo") if mountinfo is None else mountinfo
    found: dict[str, str] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind != "cgroup":
            continue
        point = before.split(" ")[4]
        if not point.startswith(MOUNT_POINT):
            continue
        found.setdefault(_controllers(options), point)
    return found


_known: dict[str, str] = {}


def known_hierarchies() -> dict[str, str]:
    """The hierarchies, looked for once: the table of mounts has a line for every container.

    What this process knows, its forks know; a host does not mount them anew while it runs.
    """
    if not _known:
        _known.update(hierarchies())
    return _known


def _controllers(options: str) -> str:
    """The controllers among the options of a super block: `rw,cpu,cpuacct` -> `cpu,cpuacct`."""
    known = [word for word in options.split(",") if word not in _SUPER_OPTIONS]
    return ",".join(word for word in known if not word.startswith("release_agent"))


_SUPER_OPTIONS = {
    "rw",
    "ro",
    "xattr",
    "noprefix",
    "clone_children",
    "cpuset_v2_mode",
    "favordynmods",
}


class GroupV1(Group):
    """A group in every v1 hierarchy."""

    def __init__(self, paths: dict[str, str]) -> None:
        """Know the directory of each controller; several can share one hierarchy."""
        super().__init__(paths)
        self._of = {part: path for name, path in paths.items() for part in name.split(",")}

    @property
    def main(self) -> str:
        """Any hierarchy knows the processes; devices and freezer are there almost always."""
        for name in ("devices", "freezer", "pids", "memory"):
            if name in self._of:
                return self._of[name]
        return next(iter(self.paths.values()))

    def create(self) -> None:
        """Make the directories; cpuset starts empty and takes its parent's sets."""
        for name, path in self.paths.items():
            os.makedirs(path, exist_ok=True)
            if "cpuset" in name.split(","):
                _inherit_cpuset(path)

    def entrance(self) -> Entrance:
        """The `tasks` file of every hierarchy."""
        flags = os.O_WRONLY | os.O_CLOEXEC
        return Entrance(doors=[os.open(f"{path}/tasks", flags) for path in self.paths.values()])

    def apply(self, resources: "dict[str, Any]") -> None:
        """Set what is named."""
        for controller, (section, key), file in _PLAIN:
            value = (resources.get(section) or {}).get(key)
            if value is None or (key in _UNLIMITED and not value) or _is_default(key, value):
                continue
            write(f"{self._need(controller, key)}/{file}", str(value))
        if resources.get("unified"):
            raise OSError(errno.EINVAL, "unified resources need cgroup v2, this host has v1")
        self._apply_memory(resources.get("memory") or {})
        self._apply_others(resources)
        if resources.get("devices"):
            self._apply_devices(resources["devices"])

    def _need(self, controller: str, key: str) -> str:
        path = self._of.get(controller)
        if path is None:
            raise OSError(
                errno.ENOENT, f"this host has no cgroup controller {controller}, for {key}"
            )
        return path

    def _apply_memory(self, memory: "dict[str, Any]") -> None:
        limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
        if limit == -1 and swap == 0:
            swap = -1
        if limit or swap:
            path = self._need("memory", "limit")
            wanted = [(f"{path}/memory.limit_in_bytes", limit)] if limit else []
            if swap and os.path.exists(f"{path}/memory.memsw.limit_in_bytes"):
                wanted.append((f"{path}/memory.memsw.limit_in_bytes", swap))
            _write_in_either_order(wanted)
        if memory.get("disableOOMKiller"):
            write(f"{self._need('memory', 'disableOOMKiller')}/memory.oom_control", "1")

    def _apply_others(self, resources: "dict[str, Any]") -> None:
        limit = (resources.get("pids") or {}).get("limit")
        if limit is not None and limit != 0:
            write(f"{self._need('pids', 'limit')}/pids.max", "max" if limit < 0 else str(limit))
        block = resources.get("blockIO") or {}
        for key, file in _THROTTLES:
            for entry in block.get(key) or ():
                value = f"{entry['major']}:{entry['minor']} {entry['rate']}"
                write(f"{self._need('blkio', key)}/{file}", value)
        for entry in block.get("weightDevice") or ():
            value = f"{entry['major']}:{entry['minor']} {entry['weight']}"
            write(f"{self._need('blkio', 'weightDevice')}/blkio.weight_device", value)
        for entry in resources.get("hugepageLimits") or ():
            path = self._need("hugetlb", "hugepageLimits")
            write(f"{path}/hugetlb.{entry['pageSize']}.limit_in_bytes", str(entry["limit"]))
        for entry in (resources.get("network") or {}).get("priorities") or ():
            path = self._need("net_prio", "priorities")
            write(f"{path}/net_prio.ifpriomap", f"{entry['name']} {entry['priority']}")

    def _apply_devices(self, rules: "list[dict[str, Any]]") -> None:
        path = self._need("devices", "devices")
        allowed, exceptions = reduce_rules(rules)
        write(f"{path}/devices.{'allow' if allowed else 'deny'}", "a")
        file = f"{path}/devices.{'deny' if allowed else 'allow'}"
        for rule in exceptions:
            write(file, str(rule))

    def freeze(self, frozen: bool) -> None:
        """freezer.state; FREEZING is asked again, since a fork may have slipped through."""
        file = f"{self._need('freezer', 'pause')}/freezer.state"
        wanted = "FROZEN" if frozen else "THAWED"
        deadline = time.monotonic() + 10
        while True:
            write(file, wanted)
            if read(file).strip() == wanted:
                return
            if time.monotonic() > deadline:
                write(file, "THAWED")
                raise OSError(errno.ETIMEDOUT, f"the processes of {file} did not freeze")
            time.sleep(0.001)

    def is_frozen(self) -> bool:
        """Whether the group was asked to freeze."""
        path = self._of.get("freezer")
        try:
            return path is not None and read(f"{path}/freezer.state").strip() != "THAWED"
        except FileNotFoundError:
            return False

    def stats(self) -> "dict[str, Any]":
        """What the v1 controllers count."""
        from boxship.kernel.cgroup_stats import stats_v1

        return stats_v1(self._of)

    def oom_events(self) -> OomEvents | None:
        """An eventfd on memory.oom_control."""
        path = self._of.get("memory")
        return OomEventsV1(path) if path else None


class OomEventsV1(OomEvents):
    """memory.oom_control through cgroup.event_control (kernel: cgroup-v1/memory.rst, 9 and 10)."""

    def __init__(self, path: str) -> None:
        """Register before the first process runs."""
        self._group = path
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        control = os.open(f"{path}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
        try:
            write(f"{path}/cgroup.event_control", f"{self._event} {control}")
        finally:
            os.close(control)

    def fileno(self) -> int:
        """Poll for reading."""
        return self._event

    def happened(self) -> int:
        """The kernel signals once more when the group is removed: that is no event."""
        try:
            count = os.eventfd_read(self._event)
        except BlockingIOError:
            return 0
        return count if os.path.exists(f"{self._group}/cgroup.procs") else 0

    def close(self) -> None:
        """The registration goes with the eventfd."""
        os.close(self._event)


def _is_default(key: str, value: object) -> bool:
    """Zero stands for unset where the kernel would refuse it, as Docker's specs have it."""
    return value == 0 and key not in ("swappiness", "burst", "idle", "realtimeRuntime")


def _write_in_either_order(wanted: list[tuple[str, int]]) -> None:
    """memory.limit must never be above memsw.limit: which goes first depends on the old values."""
    try:
        for file, value in wanted:
            write(file, str(value))
    except OSError as error:
        if error.errno != errno.EINVAL or len(wanted) < 2:
            raise
        for file, value in reversed(wanted):
            write(file, str(value))


def _inherit_cpuset(path: str) -> None:
    """A group without cpus and mems takes no process: copy the parent's, from the top down."""
    missing = [
        name
        for name in ("cpuset.cpus", "cpuset.mems")
        if os.path.exists(f"{path}/{name}") and not read(f"{path}/{name}").strip()
    ]
    if missing:
        parent = os.path.dirname(path)
        _inherit_cpuset(parent)
        for name in missing:
            write(f"{path}/{name}", read(f"{parent}/{name}").strip())


def stat_numbers(path: str) -> dict[str, int]:
    """A file of `key value` lines, or {} where the kernel has none."""
    try:
        return numbers(read(path))
    except FileNotFoundError:
        return {}
