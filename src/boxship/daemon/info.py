"""info and version: what the engine tells of itself and its host."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Any

from boxship.model.errors import BoxshipError

if TYPE_CHECKING:
    from boxship.daemon.parts import Parts

API_VERSION, MIN_API_VERSION = "1.50", "1.24"


@dataclass(frozen=True, slots=True)
class About:
    """What is looked up once at start."""

    id: str
    version: str
    supervisor_version: str
    backing: str
    started_ns: int


async def look(parts: Parts) -> About:
    """Look it up."""
    import uuid

    try:
        supervisor = await parts.tasks.version()
    except (BoxshipError, OSError):
        supervisor = ""
    return About(
        id=parts.records.remember("id", str(uuid.uuid4())),
        version=package_version("boxship"),
        supervisor_version=supervisor,
        backing=_file_system(parts.config.data_root),
        started_ns=parts.clock(),
    )


def _file_system(path: str) -> str:
    best, kind = "", ""
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, target, name, *_ = line.split()
            inside = path == target or path.startswith(target.rstrip("/") + "/")
            if inside and len(target) >= len(best):
                best, kind = target, name
    return {"ext4": "extfs", "ext3": "extfs", "ext2": "extfs"}.get(kind, kind)


def version(parts: Parts, about: About) -> dict[str, Any]:
    """`GET /version`."""
    host = parts.host
    python = f"python{platform.python_version()}"
    details = {
        "ApiVersion": API_VERSION,
        "Arch": host.arch,
        "BuildTime": "",
        "Experimental": "false",
        "GitCommit": "",
        "GoVersion": python,
        "KernelVersion": host.kernel,
        "MinAPIVersion": MIN_API_VERSION,
        "Os": "linux",
    }
    return {
        "Platform": {"Name": "Boxship"},
        "Components": [
            {"Name": "Engine", "Version": about.version, "Details": details},
            {
                "Name": "containerd" if parts.config.containerd else "boxship-supervisor",
                "Version": about.supervisor_version,
                "Details": {"GitCommit": ""},
            },
        ],
        "Version": about.version,
        "ApiVersion": API_VERSION,
        "MinAPIVersion": MIN_API_VERSION,
        "GitCommit": "",
        "GoVersion": python,
        "Os": "linux",
        "Arch": host.arch,
        "KernelVersion": host.kernel,
        "BuildTime": "",
    }


def info(parts: Parts, about: About) -> dict[str, Any]:
    """`GET /info`."""
    return {
        "ID": about.id,
        **_counts(parts),
        **_storage(about),
        **_abilities(parts),
        **_host(parts),
        **_runtimes(parts),
        "Debug": parts.config.debug,
        "NFd": len(os.listdir("/proc/self/fd")),
        "NGoroutines": len(sys._current_frames()),  # noqa: SLF001 - threads: the nearest thing
        "NEventsListener": parts.events.listeners,
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": _registries(parts),
        "GenericResources": None,
        "DockerRootDir": parts.config.data_root,
        "HttpProxy": os.environ.get("HTTP_PROXY", ""),
        "HttpsProxy": os.environ.get("HTTPS_PROXY", ""),
        "NoProxy": os.environ.get("NO_PROXY", ""),
        "Labels": list(parts.config.labels),
        "ExperimentalBuild": False,
        "ServerVersion": about.version,
        "LiveRestoreEnabled": parts.config.live_restore,
        "Isolation": "",
        "InitBinary": parts.config.init_path or "docker-init",
        "SecurityOptions": _security(parts),
        "FirewallBackend": {"Driver": "nftables"},
        "CDISpecDirs": [],
        "Containerd": {
            "Address": parts.config.supervisor_socket,
            "Namespaces": {"Containers": "moby", "Plugins": "plugins.moby"},
        },
        "Swarm": {
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": False,
            "Error": "", "RemoteManagers": None,
        },
        "Warnings": None,
    }  # fmt: skip


def _counts(parts: Parts) -> dict[str, int]:
    containers = parts.containers.list()
    paused = sum(c.state.paused for c in containers)
    running = sum(c.state.running for c in containers) - paused
    return {
        "Containers": len(containers),
        "ContainersRunning": running,
        "ContainersPaused": paused,
        "ContainersStopped": len(containers) - running - paused,
        "Images": len(parts.images.list()),
    }


def _storage(about: About) -> dict[str, Any]:
    return {
        "Driver": "overlay2",
        "DriverStatus": [
            ["Backing Filesystem", about.backing],
            ["Supports d_type", "true"],
            ["Using metacopy", "false"],
            ["Native Overlay Diff", "true"],
            ["userxattr", "false"],
        ],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": ["json-file", "none"],
        },
    }


def _abilities(parts: Parts) -> dict[str, Any]:
    return {
        "MemoryLimit": True,
        "SwapLimit": True,
        "CpuCfsPeriod": True,
        "CpuCfsQuota": True,
        "CPUShares": True,
        "CPUSet": True,
        "PidsLimit": True,
        "IPv4Forwarding": parts.config.ip_forward,
        "OomKillDisable": not parts.host.cgroup_v2,
        "LoggingDriver": parts.config.log_driver,
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if parts.host.cgroup_v2 else "1",
    }


def _host(parts: Parts) -> dict[str, Any]:
    from datetime import UTC, datetime

    host = parts.host
    return {
        "SystemTime": datetime.fromtimestamp(parts.clock() / 1e9, UTC)
        .isoformat()
        .replace("+00:00", "Z"),
        "KernelVersion": host.kernel,
        "OperatingSystem": host.operating_system,
        "OSVersion": "",
        "OSType": "linux",
        "Architecture": host.machine,
        "NCPU": host.cpus,
        "MemTotal": host.memory,
        "Name": host.name,
    }


def _runtimes(parts: Parts) -> dict[str, Any]:
    known = parts.runtimes
    return {
        "Runtimes": {name: {"path": path or name} for name, (_, path) in sorted(known.items())},
        "DefaultRuntime": parts.config.runtime,
        "ContainerdCommit": {"ID": ""},
        "RuncCommit": {"ID": ""},
        "InitCommit": {"ID": ""},
    }


def _security(parts: Parts) -> list[str]:
    if parts.seccomp is None:
        return []
    profile = parts.config.seccomp_profile
    return [f"name=seccomp,profile={profile}"]


def _registries(parts: Parts) -> dict[str, Any]:
    mirrors = list(parts.config.registry_mirrors)
    insecure = {
        name: {"Name": name, "Mirrors": [], "Secure": False, "Official": False}
        for name in parts.config.insecure_registries
        if "/" not in name
    }
    official = {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True}
    return {
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "IndexConfigs": {"docker.io": official, **insecure},
        "Mirrors": mirrors or None,
    }
