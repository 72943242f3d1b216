"""Commands of `boxship-runtime` that only tell."""

import os
import select
import sys

from boxship.model.errors import BoxshipError, Conflict, Invalid
from boxship.runtime import documents, processes, state
from boxship.runtime.commands import container_id
from boxship.runtime.flags import BOOL, VALUE, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def show_state(words: list[str], root: str) -> int:
    """`state ID`."""
    container = state.load(container_id(parse(words, {}), "state"), root)
    _say(documents.render(container.document(), "  "))
    return 0


def list_(words: list[str], root: str) -> int:
    """`list [--format table|json] [--quiet]`."""
    arguments = parse(words, {"format": VALUE, "quiet": BOOL}, {"f": "format", "q": "quiet"})
    found = [document for name in state.ids(root) if (document := _document(name, root))]
    form = arguments.value("format", "table")
    if arguments.has("quiet"):
        for document in found:
            _say(document["id"])
    elif form == "json":
        _say(documents.render(found) if found else "null")
    elif form == "table":
        rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]
        keys = ("id", "pid", "status", "bundle", "created", "owner")
        rows += [[str(document[key]) for key in keys] for document in found]
        _table(rows)
    else:
        raise Invalid("invalid format option")
    return 0


def _document(name: str, root: str) -> "dict[str, Any] | None":
    """One that is being deleted meanwhile is left out."""
    try:
        return {**state.load(name, root).document(), "owner": "root"}
    except BoxshipError:
        return None


def _table(rows: list[list[str]]) -> None:
    """Columns 12 wide at least, one space apart, as Go's tabwriter does it for runc."""
    widths = [max(12, *(len(row[i]) + 1 for row in rows)) for i in range(len(rows[0]))]
    for row in rows:
        _say("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def ps(words: list[str], root: str) -> int:
    """`ps [--format table|json] ID [ps options]`."""
    arguments = parse(words, {"format": VALUE}, {"f": "format"})
    pids = processes.pids(container_id(arguments, "ps"), root)
    if arguments.value("format", "table") == "json":
        _say(documents.render(pids) if pids else "null")
        return 0
    lines = _output(["ps", *(arguments.rest[1:] or ["-ef"])]).splitlines()
    titles = lines[0].split()
    if "PID" not in titles:
        raise Invalid("couldn't find PID field in ps output")
    place = titles.index("PID")
    wanted = {str(pid) for pid in pids}
    _say(lines[0])
    for line in lines[1:]:
        if line.split()[place] in wanted:
            _say(line)
    return 0


def _output(command: list[str]) -> str:
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1)]
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    os.close(writing)
    said = b""
    while chunk := os.read(reading, 65536):
        said += chunk
    os.close(reading)
    if os.waitpid(pid, 0)[1]:
        raise Invalid(f"{' '.join(command)} failed")
    return said.decode(errors="replace")


def events(words: list[str], root: str) -> int:
    """`events [--stats] [--interval S] ID`."""
    arguments = parse(words, {"stats": BOOL, "interval": VALUE})
    container = state.load(container_id(arguments, "events"), root)
    if container.status() == "stopped" or container.group is None:
        raise Conflict(f"container with id {container.id} is not running")
    interval = float(arguments.value("interval", "5s").removesuffix("s"))
    oom = None if arguments.has("stats") else container.group.oom_events()
    while True:
        _event(container, "stats", stats_document(container.group.stats()))
        if oom is None or container.status() == "stopped":
            return 0
        if select.select([oom.fileno()], [], [], interval)[0] and oom.happened():
            _event(container, "oom", None)


def _event(container: state.State, kind: str, data: object) -> None:
    event = {"type": kind, "id": container.id}
    _say(documents.render({**event, "data": data} if data is not None else event))
    sys.stdout.flush()


def stats_document(stats: "dict[str, Any]") -> "dict[str, Any]":
    """Usage in runc's words."""
    cpu, memory = stats.get("cpu", {}), stats.get("memory", {})
    return {
        "cpu": {
            "usage": {
                "total": cpu.get("usage", 0),
                "percpu": cpu.get("percpu", []),
                "kernel": cpu.get("system", 0),
                "user": cpu.get("user", 0),
            },
            "throttling": {
                "periods": cpu.get("periods", 0),
                "throttledPeriods": cpu.get("throttled_periods", 0),
                "throttledTime": cpu.get("throttled_time", 0),
            },
        },
        "memory": {
            "cache": memory.get("stat", {}).get("cache", memory.get("stat", {}).get("file", 0)),
            "usage": _usage(memory, "usage", "limit"),
            "swap": _usage(memory, "swap_usage", "swap_limit"),
            "raw": memory.get("stat", {}),
        },
        "pids": stats.get("pids", {}),
        "blkio": {
            "ioServiceBytesRecursive": stats.get("blkio", {}).get("io_service_bytes_recursive", []),
            "ioServicedRecursive": stats.get("blkio", {}).get("io_serviced_recursive", []),
        },
    }


def _usage(memory: "dict[str, Any]", usage: str, limit: str) -> dict[str, int]:
    return {
        "limit": memory.get(limit, 0),
        "usage": memory.get(usage, 0),
        "max": memory.get("max_usage", 0),
        "failcnt": memory.get("failcnt", 0),
    }


def features(words: list[str], root: str) -> int:
    """`features`."""
    parse(words, {})
    del root
    from boxship.runtime.features import document

    _say(documents.render(document(), "  "))
    return 0


def spec(words: list[str], root: str) -> int:
    """`spec [--bundle DIR] [--rootless]`."""
    del root
    arguments = parse(words, {"bundle": VALUE, "rootless": BOOL}, {"b": "bundle"})
    from boxship.runtime.features import example

    path = os.path.join(arguments.value("bundle", "."), "config.json")
    if os.path.exists(path):
        raise Conflict(f"file {path} exists. Remove it first")
    document = example(rootless=arguments.has("rootless"))
    documents.replace(path, documents.render(document, "\t").encode(), 0o666)
    return 0


COMMANDS: "dict[str, Callable[[list[str], str], int]]" = {
    "state": show_state,
    "list": list_,
    "ps": ps,
    "events": events,
    "features": features,
    "spec": spec,
}
