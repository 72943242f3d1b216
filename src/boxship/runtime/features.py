"""What this runtime can do (runtime-spec features.md), and the spec that `spec` writes."""

import os

from boxship.kernel import capabilities
from boxship.kernel import namespaces as kn
from boxship.kernel.seccomp import FLAGS
from boxship.kernel.seccomp_filter import ACTIONS, ARCHITECTURES, OPERATORS
from boxship.runtime import mount_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOOKS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]


def document() -> "dict[str, Any]":
    """The features document."""
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": "1.2.1",
        "hooks": _HOOKS,
        "mountOptions": mount_options.known_words(),
        "linux": {
            "namespaces": sorted(kn.FLAGS),
            "capabilities": list(capabilities.NAMES),
            "cgroup": {"v1": True, "v2": True, "systemd": False, "systemdUser": False},
            "seccomp": {
                "enabled": True,
                "actions": ACTIONS,
                "operators": OPERATORS,
                "archs": ARCHITECTURES,
                "knownFlags": sorted(FLAGS),
                "supportedFlags": sorted(FLAGS),
            },
            "apparmor": {"enabled": True},
            "selinux": {"enabled": True},
            "intelRdt": {"enabled": False},
            "mountExtensions": {"idmap": {"enabled": False}},
        },
    }


def _mount(destination: str, kind: str, source: str, *options: str) -> "dict[str, Any]":
    mount: dict[str, Any] = {"destination": destination, "type": kind, "source": source}
    return {**mount, "options": list(options)} if options else mount


def example(*, rootless: bool = False) -> "dict[str, Any]":
    """A spec that runs `sh`; `rootless`: for a user who maps root to themselves."""
    granted = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    kinds = ["pid", "network", "ipc", "uts", "mount", "cgroup"]
    document: dict[str, Any] = {
        "ociVersion": "1.2.1",
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "TERM=xterm",
            ],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), granted),
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "boxship",
        "mounts": _example_mounts(),
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in kinds],
            "maskedPaths": [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
                "/proc/scsi",
            ],
            "readonlyPaths": [
                "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
            ],
        },
    }  # fmt: skip
    if rootless:
        _make_rootless(document)
    return document


def _example_mounts() -> "list[dict[str, Any]]":
    safe = ("nosuid", "noexec", "nodev")
    return [
        _mount("/proc", "proc", "proc"),
        _mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount(
            "/dev/pts", "devpts", "devpts",
            "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5",
        ),
        _mount("/dev/shm", "tmpfs", "shm", *safe, "mode=1777", "size=65536k"),
        _mount("/dev/mqueue", "mqueue", "mqueue", *safe),
        _mount("/sys", "sysfs", "sysfs", *safe, "ro"),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", *safe, "relatime", "ro"),
    ]  # fmt: skip


def _make_rootless(document: "dict[str, Any]") -> None:
    linux = document["linux"]
    linux["namespaces"] = [e for e in linux["namespaces"] if e["type"] != "network"]
    linux["namespaces"].append({"type": "user"})
    linux["uidMappings"] = [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
    linux["gidMappings"] = [{"containerID": 0, "hostID": os.getegid(), "size": 1}]
    del linux["resources"]
    for mount in document["mounts"]:
        mount["options"] = [o for o in mount.get("options", []) if o != "gid=5"]
