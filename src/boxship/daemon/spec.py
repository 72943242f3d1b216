"""The OCI runtime specification of a container: a pure function of what was decided before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxship.daemon import mounts, resources
from boxship.daemon.environment import environment

if TYPE_CHECKING:
    from boxship.daemon.users import User

VERSION = "1.0.2"  # older runtimes refuse a newer one; nothing here needs it
INIT_PATH = "/sbin/docker-init"

_QUIET = ["nosuid", "noexec", "nodev"]

SHARED_SYSCTLS = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
}


@dataclass(frozen=True, slots=True)
class SpecInputs:
    """Everything that a spec depends on; nothing else is looked at."""

    container_id: str
    path: str
    args: list[str]
    config: dict[str, Any]
    host_config: dict[str, Any]
    root: str
    user: User
    hostname: str
    capabilities: list[str]
    cgroups_path: str
    namespaces: dict[
        str, str | None
    ]  # kind -> None: a new one; a path: joined; missing: the host's
    files: dict[str, str] = field(default_factory=dict)  # inside -> on the host
    mount_points: list[mounts.Point] = field(default_factory=list)
    devices: list[dict[str, Any]] = field(default_factory=list)
    device_rules: list[dict[str, Any]] = field(default_factory=list)
    ulimits: list[dict[str, Any]] = field(default_factory=list)
    seccomp: dict[str, Any] | None = None
    no_new_privileges: bool = False
    shm: str = ""  # a /dev/shm to share, or ''
    init: str = ""  # the program of --init, or ''


def build_spec(i: SpecInputs) -> dict[str, Any]:
    """The document that becomes config.json."""
    spec: dict[str, Any] = {
        "ociVersion": VERSION,
        "process": _process(i),
        "root": {"path": i.root, "readonly": bool(i.host_config.get("ReadonlyRootfs"))},
        "mounts": [*_system_mounts(i), *_init_mount(i), *_user_mounts(i), *_file_mounts(i)],
        "linux": _linux(i),
    }
    if "uts" in i.namespaces:
        spec["hostname"] = i.hostname
    if i.host_config.get("Annotations"):
        spec["annotations"] = i.host_config["Annotations"]
    return spec


def _process(i: SpecInputs) -> dict[str, Any]:
    tty = bool(i.config.get("Tty"))
    arguments = [i.path, *i.args]
    process: dict[str, Any] = {
        "terminal": tty,
        "user": {"uid": i.user.uid, "gid": i.user.gid, "additionalGids": list(i.user.groups)},
        "args": [INIT_PATH, "--", *arguments] if i.init else arguments,
        "env": environment(i.hostname, tty=tty, asked=i.config.get("Env")),
        "cwd": i.config.get("WorkingDir") or "/",
        "capabilities": capability_sets(i.capabilities),
        "noNewPrivileges": i.no_new_privileges,
        "oomScoreAdj": i.host_config.get("OomScoreAdj") or 0,
    }
    size = i.host_config.get("ConsoleSize") or [0, 0]
    if tty and any(size):
        process["consoleSize"] = {"height": size[0], "width": size[1]}
    if limits := rlimits(i.ulimits, i.host_config.get("Ulimits")):
        process["rlimits"] = limits
    return process


def capability_sets(capabilities: list[str]) -> dict[str, list[str]]:
    """Docker gives three of the five sets: nothing is inherited, nothing ambient."""
    return {name: list(capabilities) for name in ("bounding", "effective", "permitted")}


def rlimits(defaults: list[dict[str, Any]], asked: list[dict[str, Any]] | None) -> list[Any]:
    """The daemon's --default-ulimit, overridden by --ulimit."""
    chosen = {u["Name"]: u for u in [*defaults, *(asked or [])]}
    return [
        {"type": f"RLIMIT_{name.upper()}", "hard": u["Hard"] & _MASK, "soft": u["Soft"] & _MASK}
        for name, u in chosen.items()
    ]


_MASK = 2**64 - 1  # -1 is "unlimited"


def _mount(destination: str, kind: str, options: list[str], source: str = "") -> dict[str, Any]:
    return {
        "destination": destination,
        "type": kind,
        "source": source or kind,
        "options": options,
    }


def _system_mounts(i: SpecInputs) -> list[dict[str, Any]]:
    read_only = [] if i.host_config.get("Privileged") else ["ro"]
    tmpfs = ["nosuid", "strictatime", "mode=755", "size=65536k"]
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    done = [
        _mount("/proc", "proc", [*_QUIET]),
        _mount("/dev", "tmpfs", tmpfs),
        _mount("/dev/pts", "devpts", pts),
        _mount("/sys", "sysfs", [*_QUIET, *read_only]),
        _mount("/sys/fs/cgroup", "cgroup", [*read_only, *_QUIET]),
        _mount("/dev/mqueue", "mqueue", [*_QUIET]),
        *_shm(i),
    ]
    taken = {p["Destination"] for p in i.mount_points} | set(i.host_config.get("Tmpfs") or {})
    return [m for m in done if m["destination"] not in taken]


def _shm(i: SpecInputs) -> list[dict[str, Any]]:
    if i.host_config.get("IpcMode") == "none":
        return []
    if i.shm:
        return [_mount("/dev/shm", "bind", ["rbind", "rprivate"], i.shm)]
    size = i.host_config.get("ShmSize") or 64 << 20
    return [_mount("/dev/shm", "tmpfs", [*_QUIET, "mode=1777", f"size={size}"], "shm")]


def _init_mount(i: SpecInputs) -> list[dict[str, Any]]:
    return [_mount(INIT_PATH, "bind", ["bind", "ro"], i.init)] if i.init else []


def _user_mounts(i: SpecInputs) -> list[dict[str, Any]]:
    return mounts.oci_mounts(i.mount_points, i.host_config)


def _file_mounts(i: SpecInputs) -> list[dict[str, Any]]:
    taken = {p["Destination"] for p in i.mount_points}
    options = (
        ["rbind", "ro", "rprivate"]
        if i.host_config.get("ReadonlyRootfs")
        else ["rbind", "rprivate"]
    )
    return [
        _mount(inside, "bind", list(options), outside)
        for inside, outside in i.files.items()
        if inside not in taken
    ]


def _linux(i: SpecInputs) -> dict[str, Any]:
    linux: dict[str, Any] = {
        "resources": resources.resources(i.host_config, i.device_rules),
        "cgroupsPath": i.cgroups_path,
        "namespaces": [
            {"type": kind, "path": path} if path else {"type": kind}
            for kind, path in {"mount": None, **i.namespaces}.items()
        ],
    }
    if sysctls := _sysctls(i):
        linux["sysctl"] = sysctls
    if i.devices:
        linux["devices"] = i.devices
    if i.seccomp:
        linux["seccomp"] = i.seccomp
    if propagation := _root_propagation(i.mount_points):
        linux["rootfsPropagation"] = propagation
    if not i.host_config.get("Privileged"):
        linux["maskedPaths"] = i.host_config.get("MaskedPaths") or []
        linux["readonlyPaths"] = i.host_config.get("ReadonlyPaths") or []
    return linux


def _sysctls(i: SpecInputs) -> dict[str, str]:
    done = {}
    if i.config.get("Domainname") and "uts" in i.namespaces:
        done["kernel.domainname"] = i.config["Domainname"]
    if "network" in i.namespaces and not i.host_config["NetworkMode"].startswith("container:"):
        done |= SHARED_SYSCTLS
    return done | (i.host_config.get("Sysctls") or {})


def _root_propagation(points: list[mounts.Point]) -> str:
    asked = {p["Propagation"].removeprefix("r") for p in points if p["Type"] == "bind"}
    if "shared" in asked:
        return "rshared"
    return "rslave" if "slave" in asked else ""
