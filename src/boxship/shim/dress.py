"""The birth of a container, rehearsed: all that `become` does but for carrying out its plan.

What `become` does in a fresh fork is two thirds Python that runs for the first time; here it runs
in the zygote, before.  The document has what Docker's usual containers have.
"""

import os

from boxship.kernel import cgroups
from boxship.kernel.cgroups_v1 import GroupV1, known_hierarchies
from boxship.kernel.seccomp import INSTRUCTION_SIZE
from boxship.runtime import create, documents, seccomp, spec
from boxship.runtime.handshake import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ID = "rehearsal"
_FILES = {
    "tasks": "", "devices.allow": "", "devices.deny": "", "cpuset.cpus": "0", "cpuset.mems": "0",
}  # fmt: skip
_CAPABILITIES = ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SETGID"]
_FILTER = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}],
}
_SAFE = ["nosuid", "noexec", "nodev"]


def plan(directory: str) -> None:
    """Write a config.json, read it, and plan the init that it asks for."""
    text = documents.render(_document()).encode()
    with open(f"{directory}/config.json", "wb", buffering=0) as config:
        config.write(text)
    # Not spec.load: the stage has no path that can be resolved.
    bundle = spec.Bundle(directory, documents.read(f"{directory}/config.json"))
    creation = create.Creation(_ID, bundle, directory, create.Options((0, 1, 2), pdeathsig=True))
    creation.root = directory
    creation.group = _group(f"{directory}/groups")
    creation.directory = f"{directory}/state"
    os.makedirs(creation.directory, exist_ok=True)
    _keep_filter(f"{directory}/seccomp")
    creation.ready(Channel(-1, -1)).close()
    os.unlink(f"{creation.directory}/exec.fifo")


def _keep_filter(cache: str) -> None:
    """A program for the document's filter, that nobody loads: compiling one needs libseccomp."""
    os.makedirs(cache, exist_ok=True)
    with open(seccomp.place_of(_FILTER, cache), "wb", buffering=0) as program:
        program.write(bytes(INSTRUCTION_SIZE))


def _group(directory: str) -> cgroups.Group:
    """A control group that limits nobody: files of the stage."""
    names = ["devices"] if cgroups.is_unified() else known_hierarchies()
    paths = {name: f"{directory}/{name}" for name in names}
    for path in paths.values():
        os.makedirs(path, exist_ok=True)
        for name, content in _FILES.items():
            with open(f"{path}/{name}", "w") as file:
                file.write(content)
    return GroupV1(paths)


def _document() -> "dict[str, Any]":
    sets = dict.fromkeys(("bounding", "effective", "permitted"), _CAPABILITIES)
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0, "additionalGids": [0]},
            "args": ["true"],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=rehearsal"],
            "cwd": "/",
            "capabilities": sets,
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024}],
            "oomScoreAdj": 0,
        },
        "root": {"path": "."},
        "hostname": _ID,
        "mounts": _mounts(),
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "uts", "pid", "ipc", "network")],
            "cgroupsPath": f"/{_ID}",
            "resources": {"devices": _device_rules(), "memory": {"disableOOMKiller": False}},
            "seccomp": _FILTER,
            "sysctl": {"net.ipv4.ip_unprivileged_port_start": "0"},
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/sys"],
        },
    }


def _mounts() -> "list[dict[str, Any]]":
    return [
        _mount("/proc", "proc", *_SAFE),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("/sys", "sysfs", *_SAFE, "ro"),
        _mount("/sys/fs/cgroup", "cgroup", *_SAFE, "ro"),
        _mount("/etc/hosts", "bind", "rbind", "rprivate"),
    ]


def _mount(destination: str, kind: str, *options: str) -> "dict[str, Any]":
    return {"destination": destination, "type": kind, "source": kind, "options": [*options]}


def _device_rules() -> "list[dict[str, Any]]":
    allowed = ((1, 3), (1, 5), (5, 0))
    rules: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    for major, minor in allowed:
        rules.append({"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"})
    return rules
