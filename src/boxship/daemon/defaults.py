"""Docker's Config and HostConfig, every field there: what was asked, and defaults.  Pure."""

from __future__ import annotations

from typing import Any

from boxship.daemon import environment
from boxship.model.errors import Invalid

Document = dict[str, Any]

MASKED_PATHS = [
    "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
]  # fmt: skip
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

HOST_CONFIG: Document = {
    "Binds": None, "ContainerIDFile": "", "LogConfig": {"Type": "", "Config": {}},
    "NetworkMode": "bridge", "PortBindings": {},
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": False,
    "VolumeDriver": "", "VolumesFrom": None, "ConsoleSize": [0, 0], "CapAdd": None,
    "CapDrop": None, "CgroupnsMode": "", "Dns": [], "DnsOptions": [], "DnsSearch": [],
    "ExtraHosts": None, "GroupAdd": None, "IpcMode": "private", "Cgroup": "", "Links": None,
    "OomScoreAdj": 0, "PidMode": "", "Privileged": False, "PublishAllPorts": False,
    "ReadonlyRootfs": False, "SecurityOpt": None, "UTSMode": "", "UsernsMode": "",
    "ShmSize": 64 << 20, "Runtime": "", "Isolation": "", "Mounts": None, "CpuShares": 0,
    "Memory": 0, "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0, "BlkioWeightDevice": [],
    "BlkioDeviceReadBps": [], "BlkioDeviceWriteBps": [], "BlkioDeviceReadIOps": [],
    "BlkioDeviceWriteIOps": [], "CpuPeriod": 0, "CpuQuota": 0, "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": [],
    "DeviceCgroupRules": None, "DeviceRequests": None, "MemoryReservation": 0, "MemorySwap": 0,
    "MemorySwappiness": None, "OomKillDisable": False, "PidsLimit": None, "Ulimits": [],
    "CpuCount": 0, "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0,
}  # fmt: skip

CONFIG: Document = {
    "Hostname": "", "Domainname": "", "User": "", "AttachStdin": False, "AttachStdout": False,
    "AttachStderr": False, "Tty": False, "OpenStdin": False, "StdinOnce": False, "Env": None,
    "Cmd": None, "Image": "", "Volumes": None, "WorkingDir": "", "Entrypoint": None,
    "OnBuild": None, "Labels": {},
}  # fmt: skip

_EMPTY_IS_DEFAULT = ("IpcMode", "ShmSize", "NetworkMode", "PortBindings", "LogConfig")


def host_config(
    asked: Document, *, log_driver: str, log_options: dict[str, str], cgroup_v2: bool
) -> Document:
    """A whole HostConfig."""
    done = {**HOST_CONFIG, **asked}
    for name in _EMPTY_IS_DEFAULT:
        done[name] = done[name] or HOST_CONFIG[name]
    if done["NetworkMode"] == "default":
        done["NetworkMode"] = "bridge"
    done["CgroupnsMode"] = done["CgroupnsMode"] or ("private" if cgroup_v2 else "host")
    restart = done["RestartPolicy"] or {}
    done["RestartPolicy"] = {
        "Name": restart.get("Name") or "no",
        "MaximumRetryCount": restart.get("MaximumRetryCount") or 0,
    }
    done["LogConfig"] = _log_config(done["LogConfig"], log_driver, log_options)
    if done["Memory"] and not done["MemorySwap"]:
        done["MemorySwap"] = done["Memory"] * 2
    if done.get("PidsLimit") is not None and done["PidsLimit"] <= 0:
        done["PidsLimit"] = None
    _paths(done, asked)
    return done


def _log_config(asked: Document, driver: str, options: dict[str, str]) -> Document:
    kind = asked.get("Type") or driver
    given = asked.get("Config") or {}
    return {"Type": kind, "Config": {**options, **given} if kind == driver else dict(given)}


def _paths(done: Document, asked: Document) -> None:
    for name, default in (("MaskedPaths", MASKED_PATHS), ("ReadonlyPaths", READONLY_PATHS)):
        if done["Privileged"]:
            done[name] = None
        elif asked.get(name) is None:
            done[name] = list(default)


def config(asked: Document, image: Document, *, hostname: str) -> Document:
    """A whole Config: what was asked, over what the image says."""
    done = {**CONFIG, **asked, "Hostname": asked.get("Hostname") or hostname}
    done["Labels"] = {**(image.get("Labels") or {}), **(asked.get("Labels") or {})}
    for name in ("ExposedPorts", "Volumes"):
        both = {**(image.get(name) or {}), **(asked.get(name) or {})}
        if both or name == "Volumes":
            done[name] = both or None
    for name in ("User", "WorkingDir", "StopSignal", "Healthcheck", "Shell", "StopTimeout"):
        if not done.get(name) and image.get(name):
            done[name] = image[name]
    if image.get("Env"):
        done["Env"] = environment.merged(image["Env"], done["Env"])
    _command(done, image)
    return done


def _command(done: Document, image: Document) -> None:
    if done["Entrypoint"] == [""]:
        done["Entrypoint"] = []
        return
    if not done["Entrypoint"]:
        if not done["Cmd"]:
            done["Cmd"] = image.get("Cmd")
        if done["Entrypoint"] is None:
            done["Entrypoint"] = image.get("Entrypoint")


def command(merged: Document) -> tuple[str, list[str]]:
    """The program and its arguments, or Invalid when there is none."""
    words = [*(merged["Entrypoint"] or []), *(merged["Cmd"] or [])]
    if not words:
        raise Invalid("no command specified", hint="give one after the image's name")
    return words[0], words[1:]
