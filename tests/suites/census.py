"""What an engine has on its host, counted: mounts, links, rules, cgroups, processes, files.

`Census` looks at all of it by the two names that belong to one engine alone: its folder, and its
instance (which names bridge, table and cgroups).
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# In the environment of the daemon, and so of supervisor and zygote, whose own words name nobody.
MARK = "BOXSHIP_TEST_FOLDER"

CGROUPS = Path("/sys/fs/cgroup")

# Below the data and the exec root: where things come and go with containers and pulls.
_PLACES = (
    "data/containers",
    "data/overlay2",
    "data/blobs/incoming",
    "data/blobs/sha256",
    "data/spool",
    "data/trash",
    "data/tmp",
    "data/volumes",
    "run/io",
    "run/fifo",
    "run/netns",
    "run/containerd/state/io.containerd.runtime.v2.task/moby",
    "run/containerd/state/runtime/moby/boxship",
)
_KEPT = ("data/overlay2/l", "run/containerd/state/runtime/moby/boxship/seccomp")


class Census:
    """Counts what belongs to the engine in `folder` whose instance is `instance`."""

    def __init__(self, folder: Path, instance: str) -> None:
        self._folder = str(folder)
        self._instance = instance
        self.own: list[str] = []  # mounts that the test made

    def everything(self) -> list[str]:
        """All that there is, each thing as a line; empty after an engine's end."""
        looks = (self.mounts, self.links, self.tables, self.cgroups, self.processes)
        return [line for look in looks for line in look()]

    def of_containers(self) -> list[str]:
        """What belongs to containers and pulls, so that it is as before when they are gone."""
        looks = (self.mounts, self.ports, self.elements, self.groups, self.inmates, self.files)
        return [line for look in looks for line in look()]

    def mounts(self) -> Iterator[str]:
        """Mounts in this namespace."""
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            if self._folder in line.split()[4] and line.split()[4] not in self.own:
                yield f"mount {line.split()[4]}"

    def links(self) -> Iterator[str]:
        """The bridge and its ports."""
        if os.path.exists(f"/sys/class/net/{self._instance}"):
            yield f"link {self._instance}"
        yield from self.ports()

    def ports(self) -> Iterator[str]:
        """The bridge's ports."""
        with suppress(FileNotFoundError):
            for name in os.listdir(f"/sys/class/net/{self._instance}/brif"):
                yield f"port {name}"

    def tables(self) -> Iterator[str]:
        """Tables of nftables, of any family."""
        for line in _said("nft", "list", "tables").splitlines():
            if line.split()[-1] == self._instance:
                yield line

    def elements(self) -> Iterator[str]:
        """Rules and elements that name one address or one port."""
        table = _said("nft", "list", "table", "ip", self._instance)
        for found in re.findall(r"elements = \{([^}]*)\}", table):
            for element in found.split(","):
                yield f"nft {' '.join(element.split())}"

    def cgroups(self) -> Iterator[str]:
        """The instance's cgroups in every hierarchy."""
        for hierarchy in (CGROUPS, *CGROUPS.iterdir()):
            path = hierarchy / self._instance
            if path.is_dir():
                yield f"cgroup {path}"
                for above, names, _ in os.walk(path):  # which does not mind what vanishes
                    yield from (f"cgroup {above}/{name}" for name in names)

    def groups(self) -> Iterator[str]:
        """Cgroups of containers."""
        own = f"/{self._instance}/"
        return (line for line in self.cgroups() if own in line)

    def processes(self) -> Iterator[str]:
        """Everything that runs: daemon, supervisor, zygote, shims, what is in containers."""
        for pid in pids():
            if self._is_ours(pid) or self._is_inmate(pid):
                yield f"process {pid} {' '.join(command(pid))}"

    def _is_ours(self, pid: int) -> bool:
        if any(self._folder in word for word in command(pid)) or self._folder in link(pid, "cwd"):
            return True
        try:
            mark = f"{MARK}={self._folder}\0".encode()
            return mark in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def inmates(self) -> Iterator[str]:
        """Shims, and what runs in containers."""
        state = f"{self._folder}/run/containerd/state/"
        for pid in pids():
            if link(pid, "cwd").startswith(state) or self._is_inmate(pid):
                yield f"process {pid} {' '.join(command(pid))}"

    def _is_inmate(self, pid: int) -> bool:
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
        except OSError:
            return False
        return f":/{self._instance}/" in groups and alive(pid)

    def files(self) -> Iterator[str]:
        """Files and directories of containers, layers, blobs, and what is half done."""
        for place in _PLACES:
            with suppress(FileNotFoundError):
                for name in sorted(os.listdir(f"{self._folder}/{place}")):
                    if f"{place}/{name}" not in _KEPT:
                        yield f"file {place}/{name}"
        with suppress(FileNotFoundError):
            for name in sorted(os.listdir(f"{self._folder}/data/overlay2/l")):
                if not os.path.exists(f"{self._folder}/data/overlay2/l/{name}"):
                    yield f"dangling link {name}"


def pids() -> Iterator[int]:
    """Every process."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def command(pid: int) -> list[str]:
    """A process' command line; [] when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def link(pid: int, name: str) -> str:
    """A link of /proc/PID; "" when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return ""


def parent(pid: int) -> int:
    """The parent of a process; 0 when it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def alive(pid: int) -> bool:
    """Whether it still does anything: a zombie waits for the host's init only."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rsplit(")", 1)[1].split()


def _said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout
