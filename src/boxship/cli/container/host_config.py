"""Flags to HostConfig."""

from boxship.cli.container.option_kinds import pairs
from boxship.cli.failure import Failure
from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values


def build(flags: "Values") -> "Json":
    """All but binds, ports and the network, which other modules know."""
    _check_modes(flags)
    restart = _restart(flags["restart"])
    if flags["rm"] and restart["Name"] not in {"", "no"}:
        raise Failure("conflicting options: cannot specify both --restart and --rm")
    security, unmasked = _security(flags["security-opt"])
    config: Json = {
        "Binds": None,
        "ContainerIDFile": flags["cidfile"],
        "LogConfig": _log(flags),
        "NetworkMode": "",
        "PortBindings": {},
        "RestartPolicy": restart,
        "AutoRemove": flags["rm"],
        "VolumeDriver": flags["volume-driver"],
        "VolumesFrom": flags["volumes-from"] or None,
        "ConsoleSize": [0, 0],
        "CapAdd": _capabilities(flags["cap-add"]),
        "CapDrop": _capabilities(flags["cap-drop"]),
        "CgroupnsMode": flags["cgroupns"],
        "Dns": flags["dns"],
        "DnsOptions": flags["dns-option"] + flags["dns-opt"],
        "DnsSearch": flags["dns-search"],
        "ExtraHosts": flags["add-host"] or None,
        "GroupAdd": flags["group-add"] or None,
        "IpcMode": flags["ipc"],
        "Cgroup": "",
        "Links": flags["link"] or None,
        "OomScoreAdj": flags["oom-score-adj"],
        "PidMode": flags["pid"],
        "Privileged": flags["privileged"],
        "PublishAllPorts": flags["publish-all"],
        "ReadonlyRootfs": flags["read-only"],
        "SecurityOpt": security or None,
        "UTSMode": flags["uts"],
        "UsernsMode": flags["userns"],
        "ShmSize": flags["shm-size"],
        "Isolation": flags["isolation"],
        **_resources(flags),
        "MaskedPaths": [] if unmasked else None,
        "ReadonlyPaths": [] if unmasked else None,
    }
    return {**config, **_optional(flags)}


def _optional(flags: "Values") -> "Json":
    """What is only sent when it is set."""
    found = {
        "Annotations": pairs(flags["annotation"]),
        "StorageOpt": _storage(flags["storage-opt"]),
        "Tmpfs": {name: rest for name, _, rest in (t.partition(":") for t in flags["tmpfs"])},
        "Sysctls": pairs(flags["sysctl"]),
        "Runtime": flags["runtime"],
        "Mounts": flags["mount"],
    }
    kept: Json = {name: value for name, value in found.items() if value}
    if "init" in flags.changed:
        kept["Init"] = flags["init"]
    return kept


def _resources(flags: "Values") -> "Json":
    return {
        "CpuShares": flags["cpu-shares"],
        "Memory": flags["memory"],
        "NanoCpus": flags["cpus"],
        "CgroupParent": flags["cgroup-parent"],
        "BlkioWeight": flags["blkio-weight"],
        "BlkioWeightDevice": flags["blkio-weight-device"],
        "BlkioDeviceReadBps": flags["device-read-bps"],
        "BlkioDeviceWriteBps": flags["device-write-bps"],
        "BlkioDeviceReadIOps": flags["device-read-iops"],
        "BlkioDeviceWriteIOps": flags["device-write-iops"],
        "CpuPeriod": flags["cpu-period"],
        "CpuQuota": flags["cpu-quota"],
        "CpuRealtimePeriod": flags["cpu-rt-period"],
        "CpuRealtimeRuntime": flags["cpu-rt-runtime"],
        "CpusetCpus": flags["cpuset-cpus"],
        "CpusetMems": flags["cpuset-mems"],
        "Devices": [device(text) for text in flags["device"] if not is_cdi(text)],
        "DeviceCgroupRules": flags["device-cgroup-rule"] or None,
        "DeviceRequests": _device_requests(flags) or None,
        "MemoryReservation": flags["memory-reservation"],
        "MemorySwap": flags["memory-swap"],
        "MemorySwappiness": flags["memory-swappiness"],
        "OomKillDisable": flags["oom-kill-disable"],
        "PidsLimit": flags["pids-limit"],
        "Ulimits": _ulimits(flags["ulimit"]),
        "CpuCount": flags["cpu-count"],
        "CpuPercent": flags["cpu-percent"],
        "IOMaximumIOps": flags["io-maxiops"],
        "IOMaximumBandwidth": flags["io-maxbandwidth"],
    }


def is_cdi(text: str) -> bool:
    """Whether a --device names a CDI device: vendor/class=name."""
    kind, separator, name = text.partition("=")
    return bool(separator and name and "/" in kind and not kind.startswith("/"))


def _device_requests(flags: "Values") -> "list[Json]":
    named = [text for text in flags["device"] if is_cdi(text)]
    requests: list[Json] = list(flags["gpus"])
    if named:
        requests.append(
            {
                "Driver": "cdi",
                "Count": 0,
                "DeviceIDs": named,
                "Capabilities": None,
                "Options": None,
            }
        )
    return requests


def device(text: str) -> "Json":
    """PATH[:TARGET[:rwm]], or PATH[:rwm]."""
    parts = text.split(":")
    if not text or len(parts) > 3:
        raise Failure(f"bad format for path: {text}")
    path, target, rights = parts[0], "", "rwm"
    if len(parts) == 2 and _are_rights(parts[1]):
        rights = parts[1]
    elif len(parts) >= 2:
        target = parts[1]
        rights = parts[2] if len(parts) == 3 else rights
    if not _are_rights(rights):
        raise Failure(f"bad mode specified: {rights}")
    if target and not target.startswith("/"):
        raise Failure(f"{target} is not an absolute path")
    return {
        "PathOnHost": path,
        "PathInContainer": target or path,
        "CgroupPermissions": rights,
    }


def _are_rights(text: str) -> bool:
    return bool(text) and len(set(text)) == len(text) and not text.strip("rwm")


def _ulimits(limits: "list[Json]") -> "list[Json]":
    last = {limit["Name"]: limit for limit in limits}
    return [last[name] for name in sorted(last)]


def _capabilities(names: list[str]) -> list[str] | None:
    """In capitals with CAP_ before them, sorted; ALL alone says all."""
    full = {name.strip().upper() for name in names}
    plain = ("CAP_", "ALL")
    return (
        sorted(n if n.startswith(plain[0]) or n == plain[1] else f"CAP_{n}" for n in full) or None
    )


def _log(flags: "Values") -> "Json":
    if flags["log-driver"] == "none" and flags["log-opt"]:
        raise Failure("invalid logging opts for driver none")
    if flags["log-driver"].startswith("-"):
        raise Failure(
            f"{flags['log-driver']} was taken for the name of a log driver\n"
            "Did you mean --log-driver NAME --log-opt KEY=VALUE?",
            125,
        )
    return {"Type": flags["log-driver"], "Config": pairs(flags["log-opt"])}


def _restart(text: str) -> "Json":
    name, separator, count = text.partition(":")
    if separator and not name:
        raise Failure("invalid restart policy format: no policy provided before colon")
    try:
        retries = int(count) if count else 0
    except ValueError:
        raise Failure(
            "invalid restart policy format: maximum retry count must be an integer"
        ) from None
    return {"Name": name, "MaximumRetryCount": retries}


def _storage(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise Failure("invalid storage option")
    return pairs(texts)


def _security(texts: list[str]) -> tuple[list[str], bool]:
    """SecurityOpt with profiles read from their files, and whether no path is masked."""
    found: list[str] = []
    unmasked = False
    for text in texts:
        name, value = _security_term(text)
        if name == "systempaths" and value == "unconfined":
            unmasked = True
        elif name == "seccomp" and value not in {"unconfined", "builtin"}:
            found.append(f"seccomp={_profile(value)}")
        else:
            found.append(text)
    return found, unmasked


def _security_term(text: str) -> tuple[str, str]:
    if "=" in text:
        name, _, value = text.partition("=")
    else:
        name, separator, value = text.partition(":")
        if not separator and name != "no-new-privileges":
            raise Failure(f"Invalid --security-opt: {quote(text)}")
    return name, value


def _profile(path: str) -> str:
    import json

    try:
        with open(path, encoding="utf-8") as file:
            return json.dumps(json.load(file), separators=(",", ":"), ensure_ascii=False)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(f"opening seccomp profile ({path}) failed: open {path}: {reason}") from None
    except ValueError as error:
        raise Failure(f"compacting json for seccomp profile ({path}) failed: {error}") from None


def _check_modes(flags: "Values") -> None:
    pid, uts, users, cgroups = flags["pid"], flags["uts"], flags["userns"], flags["cgroupns"]
    if pid not in {"", "host"} and not (pid.startswith("container:") and pid != "container:"):
        raise Failure("--pid: invalid PID mode")
    if uts not in {"", "host"}:
        raise Failure("--uts: invalid UTS mode")
    if users not in {"", "host"}:
        raise Failure("--userns: invalid USER mode")
    if cgroups not in {"", "host", "private"}:
        raise Failure("--cgroupns: invalid CGROUP mode")
