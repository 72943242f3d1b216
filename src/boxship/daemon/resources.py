"""Limits: a HostConfig to the OCI `linux.resources`, and the checks that Docker makes.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.host import HostFacts

MIN_MEMORY = 6 << 20
PERIOD_US = 100_000

_BLKIO_DEVICES = {
    "BlkioDeviceReadBps": "throttleReadBpsDevice",
    "BlkioDeviceWriteBps": "throttleWriteBpsDevice",
    "BlkioDeviceReadIOps": "throttleReadIOPSDevice",
    "BlkioDeviceWriteIOps": "throttleWriteIOPSDevice",
}


def check(h: dict[str, Any], host: HostFacts) -> None:
    """Invalid, in Docker's words, for limits that cannot be."""
    _check_memory(h)
    _check_cpuset(h.get("CpusetCpus") or "", host)
    cpus = (h.get("NanoCpus") or 0) / 1e9
    if cpus and (h.get("CpuPeriod") or h.get("CpuQuota")):
        raise Invalid(
            "Conflicting options: Nano CPUs and CPU Period cannot both be set"
            if h.get("CpuPeriod")
            else "Conflicting options: Nano CPUs and CPU Quota cannot both be set"
        )
    if cpus and not 0.01 <= cpus <= host.cpus:
        raise Invalid(
            f"range of CPUs is from 0.01 to {host.cpus}.00, "
            f"as there are only {host.cpus} CPUs available"
        )
    period = h.get("CpuPeriod") or 0
    if period and not 1000 <= period <= 1_000_000:
        raise Invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"
        )
    quota = h.get("CpuQuota") or 0
    if 0 < quota < 1000:
        raise Invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)")


def _check_cpuset(asked: str, host: HostFacts) -> None:
    try:
        wanted = set(cpu_list(asked))
    except ValueError:
        raise Invalid(f"Invalid value {asked} for cpuset cpus") from None
    if not wanted <= set(host.cpu_ids):
        there = f"{host.cpu_ids[0]}-{host.cpu_ids[-1]}" if len(host.cpu_ids) > 1 else "0"
        raise Invalid(f"Requested CPUs are not available - requested {asked}, available: {there}")


def cpu_list(text: str) -> list[int]:
    """`0-2,5` as numbers."""
    done: list[int] = []
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        done += range(int(first), int(last if dash else first) + 1)
    return done


def _check_memory(h: dict[str, Any]) -> None:
    memory, swap = h.get("Memory") or 0, h.get("MemorySwap") or 0
    reserved = h.get("MemoryReservation") or 0
    if 0 < memory < MIN_MEMORY:
        raise Invalid("Minimum memory limit allowed is 6MB")
    if memory > 0 and 0 < swap < memory:
        raise Invalid("Minimum memoryswap limit should be larger than memory limit, see usage")
    if memory == 0 and swap > 0:
        raise Invalid(
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        )
    if 0 < reserved < MIN_MEMORY:
        raise Invalid("Minimum memory reservation allowed is 6MB")
    if 0 < memory < reserved:
        raise Invalid(
            "Minimum memory limit can not be less than memory reservation limit, see usage"
        )


def resources(h: dict[str, Any], devices: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole of `linux.resources`; `devices` are the rules for the device cgroup."""
    done: dict[str, Any] = {"devices": devices, "memory": _memory(h), "blockIO": _block_io(h)}
    if cpu := _cpu(h):
        done["cpu"] = cpu
    pids = h.get("PidsLimit") or 0
    if pids:
        done["pids"] = {"limit": max(pids, -1)}
    return done


def _memory(h: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {}
    if h.get("Memory"):
        done["limit"] = h["Memory"]
    if h.get("MemoryReservation"):
        done["reservation"] = h["MemoryReservation"]
    if h.get("MemorySwap"):
        done["swap"] = h["MemorySwap"]
    if (h.get("MemorySwappiness") or -1) >= 0:
        done["swappiness"] = h["MemorySwappiness"]
    return {**done, "disableOOMKiller": bool(h.get("OomKillDisable"))}


def _cpu(h: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {}
    if h.get("CpuShares"):
        done["shares"] = max(h["CpuShares"], 2)
    if h.get("NanoCpus"):
        done["quota"] = h["NanoCpus"] * PERIOD_US // 1_000_000_000
        done["period"] = PERIOD_US
    names = {
        "CpuQuota": "quota", "CpuPeriod": "period", "CpusetCpus": "cpus", "CpusetMems": "mems",
        "CpuRealtimePeriod": "realtimePeriod", "CpuRealtimeRuntime": "realtimeRuntime",
    }  # fmt: skip
    done |= {ours: h[theirs] for theirs, ours in names.items() if h.get(theirs)}
    return done


def _block_io(h: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {}
    if h.get("BlkioWeight"):
        done["weight"] = h["BlkioWeight"]
    for theirs, ours in _BLKIO_DEVICES.items():
        if h.get(theirs):
            done[ours] = [_throttle(d) for d in h[theirs]]
    return done


def _throttle(device: dict[str, Any]) -> dict[str, Any]:
    from boxship.daemon.devices import numbers

    major, minor = numbers(device["Path"])
    return {"major": major, "minor": minor, "rate": device["Rate"]}
