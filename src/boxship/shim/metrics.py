"""What Stats answers: containerd's Metrics for the host's version of cgroups, as its own shim does.

The numbers come from kernel/cgroup_stats.py, in one form for v1 and v2; the tables here say what
api/containerd/cgroups_v1.proto and cgroups_v2.proto say; a test compares.
"""

from boxship.wire.protobuf import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from boxship.wire.protobuf import Schema

TYPE_V1 = "io.containerd.cgroups.v1.Metrics"
TYPE_V2 = "io.containerd.cgroups.v2.Metrics"


def _numbers(names: str) -> "dict[str, tuple[int, Any]]":
    return {name: (number, int) for number, name in enumerate(names.split(), 1)}


_PIDS = _numbers("current limit")
_ENTRY = _numbers("limit usage max failcnt")
_MEMORY_V1 = _numbers(
    "cache rss rss_huge mapped_file dirty writeback pg_pg_in pg_pg_out pg_fault "
    "pg_maj_fault inactive_anon active_anon inactive_file active_file unevictable "
    "hierarchical_memory_limit hierarchical_swap_limit total_cache total_rss total_rss_huge "
    "total_mapped_file total_dirty total_writeback total_pg_pg_in total_pg_pg_out "
    "total_pg_fault total_pg_maj_fault total_inactive_anon total_active_anon "
    "total_inactive_file total_active_file total_unevictable "
)
_MEMORY_V1 |= {"usage": (33, _ENTRY), "swap": (34, _ENTRY), "kernel": (35, _ENTRY)}
_BLKIO = {
    "op": (1, str),
    "device": (2, str),
    "major": (3, int),
    "minor": (4, int),
    "value": (5, int),
}
METRICS_V1: "Schema" = {
    "pids": (2, _PIDS),
    "cpu": (
        3,
        {
            "usage": (1, _numbers("total kernel user") | {"per_cpu": (4, [int])}),
            "throttling": (2, _numbers("periods throttled_periods throttled_time")),
        },
    ),
    "memory": (4, _MEMORY_V1),
    "blkio": (
        5,
        {"io_service_bytes_recursive": (1, [_BLKIO]), "io_serviced_recursive": (2, [_BLKIO])},
    ),
    "memory_oom_control": (9, _numbers("oom_kill_disable under_oom oom_kill")),
}
METRICS_V2: "Schema" = {
    "pids": (1, _PIDS),
    "cpu": (
        2,
        _numbers("usage_usec user_usec system_usec nr_periods nr_throttled throttled_usec"),
    ),
    "memory": (
        4,
        _numbers(
            "anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback "
            "anon_thp inactive_anon active_anon inactive_file active_file unevictable "
            "slab_reclaimable slab_unreclaimable pgfault pgmajfault workingset_refault "
            "workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal "
            "pgactivate pgdeactivate pglazyfree pglazyfreed thp_fault_alloc "
            "thp_collapse_alloc usage usage_limit swap_usage swap_limit max_usage "
            "swap_max_usage "
        ),
    ),
    "io": (6, {"usage": (1, [_numbers("major minor rbytes wbytes rios wios")])}),
    "memory_events": (8, _numbers("low high max oom oom_kill")),
}

# memory.stat of v1 -> the field, where the two differ.
_OTHER_NAMES = {
    "pgpgin": "pg_pg_in",
    "pgpgout": "pg_pg_out",
    "pgfault": "pg_fault",
    "pgmajfault": "pg_maj_fault",
    "hierarchical_memsw_limit": "hierarchical_swap_limit",
}
_OTHER_NAMES |= {f"total_{old}": f"total_{new}" for old, new in _OTHER_NAMES.items()}
_SIZES = {"Read": "rbytes", "Write": "wbytes"}
_COUNTS = {"Read": "rios", "Write": "wios"}


def metrics(stats: "dict[str, Any]", *, unified: bool) -> "dict[str, Any]":
    """The Any of Stats."""
    if unified:
        return {"type_url": TYPE_V2, "value": encode(METRICS_V2, _v2(stats))}
    return {"type_url": TYPE_V1, "value": encode(METRICS_V1, _v1(stats))}


def _v1(stats: "dict[str, Any]") -> "dict[str, Any]":
    found: dict[str, Any] = {"pids": stats.get("pids"), "blkio": stats.get("blkio")}
    if cpu := stats.get("cpu"):
        names = ("periods", "throttled_periods", "throttled_time")
        found["cpu"] = {
            "usage": {
                "total": cpu["usage"],
                "kernel": cpu["system"],
                "user": cpu["user"],
                "per_cpu": cpu["percpu"],
            },
            "throttling": {name: cpu[name] for name in names},
        }
    if memory := stats.get("memory"):
        found["memory"] = _memory_v1(memory)
        found["memory_oom_control"] = {"oom_kill": memory["oom_kills"]}
    return found


def _memory_v1(memory: "dict[str, Any]") -> "dict[str, Any]":
    renamed = {_OTHER_NAMES.get(name, name): value for name, value in memory["stat"].items()}
    fields = {name: value for name, value in renamed.items() if name in _MEMORY_V1}
    fields["usage"] = {
        "limit": memory["limit"],
        "usage": memory["usage"],
        "max": memory["max_usage"],
        "failcnt": memory["failcnt"],
    }
    fields["swap"] = {"limit": memory["swap_limit"], "usage": memory["swap_usage"]}
    fields["kernel"] = {"usage": memory["kernel_usage"]}
    return fields


def _v2(stats: "dict[str, Any]") -> "dict[str, Any]":
    cpu, memory = stats["cpu"], stats["memory"]
    known = METRICS_V2["memory"][1]
    fields = {name: value for name, value in memory["stat"].items() if name in known}
    for name, source in _V2_MEMORY.items():
        fields[name] = memory[source]
    return {
        "pids": stats["pids"],
        "cpu": {
            "usage_usec": cpu["usage"] // 1000,
            "user_usec": cpu["user"] // 1000,
            "system_usec": cpu["system"] // 1000,
            "nr_periods": cpu["periods"],
            "nr_throttled": cpu["throttled_periods"],
            "throttled_usec": cpu["throttled_time"] // 1000,
        },
        "memory": fields,
        "io": {"usage": _io_v2(stats["blkio"])},
        "memory_events": {"max": memory["failcnt"], "oom_kill": memory["oom_kills"]},
    }


_V2_MEMORY = {
    "usage": "usage",
    "usage_limit": "limit",
    "swap_usage": "swap_usage",
    "swap_limit": "swap_limit",
    "max_usage": "max_usage",
}


def _io_v2(blkio: "dict[str, Any]") -> "list[dict[str, int]]":
    devices: dict[tuple[int, int], dict[str, int]] = {}
    lists = (("io_service_bytes_recursive", _SIZES), ("io_serviced_recursive", _COUNTS))
    for source, names in lists:
        for entry in blkio.get(source, ()):
            place = entry["major"], entry["minor"]
            device = devices.setdefault(place, {"major": place[0], "minor": place[1]})
            if entry["op"] in names:
                device[names[entry["op"]]] = entry["value"]
    return list(devices.values())
