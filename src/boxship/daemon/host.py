"""Facts of this host, read once at start and given to whoever decides by them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

GO_ARCHES = {
    "x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le",
    "s390x": "s390x", "riscv64": "riscv64", "loongarch64": "loong64", "i686": "386",
}  # fmt: skip


_WEIGHTS = (
    "/sys/fs/cgroup/blkio/blkio.weight",
    "/sys/fs/cgroup/blkio/blkio.bfq.weight",
    "/sys/fs/cgroup/io.bfq.weight",
    "/sys/fs/cgroup/io.weight",
)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What specs and `info` need to know of the host."""

    name: str
    machine: str
    kernel: str
    cpus: int
    memory: int
    cgroup_v2: bool
    last_capability: int
    bounding: int  # the capabilities that this process may pass on, as a mask
    operating_system: str
    cpu_ids: tuple[int, ...] = (0,)
    blkio_weight: bool = False

    @property
    def arch(self) -> str:
        """The architecture as Go calls it."""
        return GO_ARCHES.get(self.machine, self.machine)

    @property
    def kernel_version(self) -> tuple[int, int]:
        """Major and minor."""
        found = re.match(r"(\d+)\.(\d+)", self.kernel)
        return (int(found[1]), int(found[2])) if found else (0, 0)


def look() -> HostFacts:
    """Look around."""
    names = os.uname()
    return HostFacts(
        name=names.nodename,
        machine=names.machine,
        kernel=names.release,
        cpus=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        cgroup_v2=os.path.exists("/sys/fs/cgroup/cgroup.controllers"),
        last_capability=int(_text("/proc/sys/kernel/cap_last_cap", "40")),
        bounding=_bounding(),
        operating_system=_operating_system(),
        cpu_ids=tuple(sorted(os.sched_getaffinity(0))),
        blkio_weight=any(map(os.path.exists, _WEIGHTS)),
    )


def _bounding() -> int:
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)", _text("/proc/self/status", ""), re.MULTILINE)
    return int(found[1], 16) if found else 0


def _operating_system() -> str:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        found = re.search(r'^PRETTY_NAME="?([^"\n]*)', _text(path, ""), re.MULTILINE)
        if found:
            return found[1]
    return "Linux"


def _text(path: str, default: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return default
