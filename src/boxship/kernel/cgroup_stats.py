"""What cgroups count, in one form for v1 and v2: nanoseconds, bytes, numbers of tasks.

cpu      {usage, user, system, percpu, periods, throttled_periods, throttled_time}
memory   {usage, limit, max_usage, failcnt, swap_usage, swap_limit, stat: {...}, kernel...}
pids     {current, limit}; limit 0 is none
blkio    [{op, major, minor, value}] of io_service_bytes_recursive, io_serviced_recursive
"""

import os

from boxship.kernel.cgroups import numbers, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
UNLIMITED = (1 << 64) - 1


def _text(path: str) -> str:
    try:
        return read(path)
    except OSError:
        return ""


def _number(path: str) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _limit(path: str, unlimited: int) -> int:
    text = _text(path).strip()
    return unlimited if text == "max" else int(text or 0)


def stats_v1(of: dict[str, str]) -> "dict[str, Any]":
    """From the directories of the controllers, {controller: path}."""
    found: dict[str, Any] = {}
    if "cpuacct" in of:
        found["cpu"] = _cpu_v1(of["cpuacct"], of.get("cpu", ""))
    if "memory" in of:
        found["memory"] = _memory_v1(of["memory"])
    if "pids" in of:
        found["pids"] = _pids(of["pids"])
    if "blkio" in of:
        found["blkio"] = {
            "io_service_bytes_recursive": _blkio(of["blkio"], "io_service_bytes"),
            "io_serviced_recursive": _blkio(of["blkio"], "io_serviced"),
        }
    return found


def _cpu_v1(accounting: str, cpu: str) -> "dict[str, Any]":
    ticks = numbers(_text(f"{accounting}/cpuacct.stat"))
    throttling = numbers(_text(f"{cpu}/cpu.stat"))
    return {
        "usage": _number(f"{accounting}/cpuacct.usage"),
        "user": ticks.get("user", 0) * _TICK_NS,
        "system": ticks.get("system", 0) * _TICK_NS,
        "percpu": [int(word) for word in _text(f"{accounting}/cpuacct.usage_percpu").split()],
        "periods": throttling.get("nr_periods", 0),
        "throttled_periods": throttling.get("nr_throttled", 0),
        "throttled_time": throttling.get("throttled_time", 0),
    }


def _memory_v1(path: str) -> "dict[str, Any]":
    return {
        "usage": _number(f"{path}/memory.usage_in_bytes"),
        "limit": _number(f"{path}/memory.limit_in_bytes"),
        "max_usage": _number(f"{path}/memory.max_usage_in_bytes"),
        "failcnt": _number(f"{path}/memory.failcnt"),
        "swap_usage": _number(f"{path}/memory.memsw.usage_in_bytes"),
        "swap_limit": _number(f"{path}/memory.memsw.limit_in_bytes"),
        "kernel_usage": _number(f"{path}/memory.kmem.usage_in_bytes"),
        "oom_kills": numbers(_text(f"{path}/memory.oom_control")).get("oom_kill", 0),
        "stat": numbers(_text(f"{path}/memory.stat")),
    }


def _pids(path: str) -> dict[str, int]:
    return {"current": _number(f"{path}/pids.current"), "limit": _limit(f"{path}/pids.max", 0)}


def _blkio(path: str, name: str) -> "list[dict[str, Any]]":
    for file in (f"blkio.bfq.{name}_recursive", f"blkio.throttle.{name}_recursive"):
        entries = []
        for line in _text(f"{path}/{file}").splitlines():
            words = line.split()
            if len(words) == 3:
                major, minor = words[0].split(":")
                entries.append(_entry(words[1], int(major), int(minor), int(words[2])))
        if entries:
            return entries
    return []


def _entry(operation: str, major: int, minor: int, value: int) -> "dict[str, Any]":
    return {"op": operation, "major": major, "minor": minor, "value": value}


def stats_v2(path: str) -> "dict[str, Any]":
    """From the one directory."""
    cpu = numbers(_text(f"{path}/cpu.stat"))
    return {
        "cpu": {
            "usage": cpu.get("usage_usec", 0) * 1000,
            "user": cpu.get("user_usec", 0) * 1000,
            "system": cpu.get("system_usec", 0) * 1000,
            "percpu": [],
            "periods": cpu.get("nr_periods", 0),
            "throttled_periods": cpu.get("nr_throttled", 0),
            "throttled_time": cpu.get("throttled_usec", 0) * 1000,
        },
        "memory": _memory_v2(path),
        "pids": _pids(path),
        "blkio": _io_v2(path),
    }


def _memory_v2(path: str) -> "dict[str, Any]":
    events = numbers(_text(f"{path}/memory.events"))
    return {
        "usage": _number(f"{path}/memory.current"),
        "limit": _limit(f"{path}/memory.max", UNLIMITED),
        "max_usage": _number(f"{path}/memory.peak"),
        "failcnt": events.get("max", 0),
        "swap_usage": _number(f"{path}/memory.swap.current"),
        "swap_limit": _limit(f"{path}/memory.swap.max", UNLIMITED),
        "oom_kills": events.get("oom_kill", 0),
        "stat": numbers(_text(f"{path}/memory.stat")),
    }


def _io_v2(path: str) -> "dict[str, list[dict[str, Any]]]":
    moved: list[dict[str, Any]] = []
    done: list[dict[str, Any]] = []
    for line in _text(f"{path}/io.stat").splitlines():
        device, *words = line.split()
        major, minor = (int(part) for part in device.split(":"))
        values = dict(word.split("=") for word in words if "=" in word)
        for key, operation, entries in (
            ("rbytes", "read", moved), ("wbytes", "write", moved),
            ("rios", "read", done), ("wios", "write", done),
        ):  # fmt: skip
            entries.append(_entry(operation, major, minor, int(values.get(key, 0))))
    return {"io_service_bytes_recursive": moved, "io_serviced_recursive": done}
