"""cgroup v2: one directory, limits converted from runtime-spec's v1 terms."""

import errno
import os
import time

from boxship.kernel import devices
from boxship.kernel.cgroups import MOUNT_POINT, Entrance, Group, OomEvents, numbers, read, write
from boxship.kernel.ignoring import ignoring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def find(place: str) -> "GroupV2":
    """The group at `place`, a path from the root."""
    return GroupV2({"": MOUNT_POINT + place})


def cpu_weight(shares: int) -> int:
    """cpu.weight for v1's cpu.shares: 2..262144 onto 1..10000."""
    return 1 + (min(max(shares, 2), 262144) - 2) * 9999 // 262142


def io_weight(weight: int) -> int:
    """io.weight for v1's blkio.weight: 10..1000 onto 1..10000."""
    return 1 + (min(max(weight, 10), 1000) - 10) * 9999 // 990


def _limit(value: int) -> str:
    return "max" if value < 0 else str(value)


def memory_files(memory: "dict[str, Any]") -> dict[str, str]:
    """{file: value}; v1's swap is memory and swap together, v2's is swap alone."""
    files: dict[str, str] = {}
    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    if swap:
        if swap > 0 and limit <= 0:
            raise OSError(errno.EINVAL, "memory.swap needs memory.limit on cgroup v2")
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - limit)
    elif limit == -1:
        files["memory.swap.max"] = "max"
    if limit:
        files["memory.max"] = _limit(limit)
    if memory.get("reservation"):
        files["memory.low"] = _limit(memory["reservation"])
    return files


def cpu_files(cpu: "dict[str, Any]") -> dict[str, str]:
    """{file: value} of cpu and cpuset."""
    files: dict[str, str] = {}
    if cpu.get("shares"):
        files["cpu.weight"] = str(cpu_weight(cpu["shares"]))
    if cpu.get("idle") is not None:
        files["cpu.idle"] = str(cpu["idle"])
    quota, period = cpu.get("quota") or 0, cpu.get("period") or 0
    if quota or period:
        files["cpu.max"] = f"{quota if quota > 0 else 'max'} {period or 100000}"
    if cpu.get("burst") is not None:
        files["cpu.max.burst"] = str(cpu["burst"])
    for key in ("cpus", "mems"):
        if cpu.get(key):
            files[f"cpuset.{key}"] = str(cpu[key])
    return files


def io_writes(block: "dict[str, Any]") -> list[tuple[str, str]]:
    """(file, value) of block input and output."""
    writes = [("io.weight", str(io_weight(block["weight"])))] if block.get("weight") else []
    for entry in block.get("weightDevice") or ():
        value = f"{entry['major']}:{entry['minor']} {io_weight(entry['weight'])}"
        writes.append(("io.weight", value))
    limits = (
        ("rbps", "ReadBps"),
        ("wbps", "WriteBps"),
        ("riops", "ReadIOPS"),
        ("wiops", "WriteIOPS"),
    )
    for word, key in limits:
        writes += [
            ("io.max", f"{entry['major']}:{entry['minor']} {word}={entry['rate']}")
            for entry in block.get(f"throttle{key}Device") or ()
        ]
    return writes


def plan(resources: "dict[str, Any]") -> list[tuple[str, str]]:
    """The control files to write, in order; `unified` comes last and so has the last word."""
    writes = list(memory_files(resources.get("memory") or {}).items())
    writes += cpu_files(resources.get("cpu") or {}).items()
    limit = (resources.get("pids") or {}).get("limit")
    writes += [("pids.max", _limit(limit))] if limit else []
    writes += io_writes(resources.get("blockIO") or {})
    writes += [
        (f"hugetlb.{entry['pageSize']}.max", str(entry["limit"]))
        for entry in resources.get("hugepageLimits") or ()
    ]
    for device, limits in (resources.get("rdma") or {}).items():
        words = (("hca_handle", limits.get("hcaHandles")), ("hca_object", limits.get("hcaObjects")))
        said = " ".join(f"{word}={value}" for word, value in words if value is not None)
        writes.append(("rdma.max", f"{device} {said}"))
    for file, value in (resources.get("unified") or {}).items():
        if "/" in file:
            raise OSError(errno.EINVAL, f"unified resource {file!r} must be a file name")
        writes += [(file, line) for line in str(value).split("\n")]
    return writes


class GroupV2(Group):
    """A group of the one hierarchy."""

    @property
    def main(self) -> str:
        """The directory."""
        return self.paths[""]

    def create(self) -> None:
        """Make the directory, with every controller of the root enabled on the way to it."""
        parts = os.path.relpath(self.main, MOUNT_POINT).split("/")
        above = MOUNT_POINT
        for part in parts:
            _enable_controllers(above)
            above = f"{above}/{part}"
            os.makedirs(above, exist_ok=True)
        if read(f"{self.main}/cgroup.type").strip() == "domain invalid":
            raise OSError(errno.EOPNOTSUPP, f"{self.main} is below a threaded cgroup")

    def entrance(self) -> Entrance:
        """The directory; or where its first process went, if that made groups below it."""
        place = self.main
        if read(f"{place}/cgroup.subtree_control").strip() and (pids := self.pids()):
            own = read(f"/proc/{pids[0]}/cgroup").strip().rpartition("0::")[2]
            place = MOUNT_POINT + own
        return Entrance(born=os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def apply(self, resources: "dict[str, Any]") -> None:
        """Set what is named."""
        for file, value in plan(resources):
            path = f"{self.main}/{file}"
            if file == "memory.swap.max" and not os.path.exists(path):
                continue  # A kernel without swap accounting: nothing to limit.
            if file == "io.weight" and not os.path.exists(path):
                path = f"{self.main}/io.bfq.weight"
            write(path, value)
        if resources.get("devices"):
            devices.attach(self.main, resources["devices"])

    def freeze(self, frozen: bool) -> None:
        """cgroup.freeze, then wait for cgroup.events to say so."""
        write(f"{self.main}/cgroup.freeze", str(int(frozen)))
        deadline = time.monotonic() + 10
        while numbers(read(f"{self.main}/cgroup.events")).get("frozen") != int(frozen):
            if time.monotonic() > deadline:
                write(f"{self.main}/cgroup.freeze", "0")
                raise OSError(errno.ETIMEDOUT, f"the processes of {self.main} did not freeze")
            time.sleep(0.001)

    def is_frozen(self) -> bool:
        """Whether the group was asked to freeze."""
        try:
            return read(f"{self.main}/cgroup.freeze").strip() == "1"
        except FileNotFoundError:
            return False

    def kill(self, patience: float = 5.0) -> None:
        """cgroup.kill reaches every process at once, frozen or not (Linux 5.14)."""
        with ignoring(FileNotFoundError):
            write(f"{self.main}/cgroup.kill", "1")
        super().kill(patience)

    def stats(self) -> "dict[str, Any]":
        """What the v2 controllers count."""
        from boxship.kernel.cgroup_stats import stats_v2

        return stats_v2(self.main)

    def oom_events(self) -> OomEvents | None:
        """memory.events, where the memory controller is enabled."""
        path = f"{self.main}/memory.events"
        return OomEventsV2(path) if os.path.exists(path) else None


class OomEventsV2(OomEvents):
    """memory.events through inotify(7): readable when it changed."""

    def __init__(self, path: str) -> None:
        """Count from now on."""
        from boxship.kernel.watch import watch_modified

        self._path = path
        self._watch = watch_modified(path)
        self._seen = self._count()

    def fileno(self) -> int:
        """Poll for reading."""
        return self._watch

    def happened(self) -> int:
        """The growth of oom_kill."""
        try:
            os.read(self._watch, 4096)
        except BlockingIOError:
            return 0
        before, self._seen = self._seen, self._count()
        return self._seen - before

    def close(self) -> None:
        """Stop watching."""
        os.close(self._watch)

    def _count(self) -> int:
        try:
            return numbers(read(self._path)).get("oom_kill", 0)
        except OSError:
            return 0


def _enable_controllers(path: str) -> None:
    available = read(f"{path}/cgroup.controllers").split()
    enabled = read(f"{path}/cgroup.subtree_control").split()
    for name in available:
        if name in enabled:
            continue
        try:
            write(f"{path}/cgroup.subtree_control", f"+{name}")
        except OSError as error:
            # A controller that cannot be shared (a group with processes in it): limits that need
            # it fail later, by the name of their file.
            if error.errno not in (errno.EBUSY, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT):
                raise
