"""The parts of a run as a client of the daemon sees them, growth over 200 containers, memory."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from suites.engine_world import IMAGE, Daemon, fresh_config, leave_nothing, root_of

ROUNDS = 40
MANY = 200
SHIMS = 20


def measure() -> list[tuple[str, float]]:
    """Medians in seconds, and sizes in bytes; needs root."""
    daemon = Daemon(fresh_config())
    daemon.start()
    try:
        daemon.ask("POST", f"/images/bootstrap?kind=busybox&t={IMAGE}")
        return [*_requests(daemon), *_growth(daemon), *_memory(daemon)]
    finally:
        daemon.stop()
        leave_nothing(daemon.config)


def _requests(daemon: Daemon) -> Iterator[tuple[str, float]]:
    rounds = [_once(daemon, f"bench-{number}") for number in range(ROUNDS)]
    for part in rounds[0]:
        yield part, statistics.median(times[part] for times in rounds)
    yield "request: the five together", statistics.median(sum(times.values()) for times in rounds)


def _once(daemon: Daemon, name: str) -> dict[str, float]:
    times = {}
    body = {"Image": IMAGE, "Cmd": ["true"]}
    for part, method, path in (
        ("request: ping", "GET", "/_ping"),
        ("request: create", "POST", f"/containers/create?name={name}"),
        ("request: start", "POST", f"/containers/{name}/start"),
        ("request: wait", "POST", f"/containers/{name}/wait"),
        ("request: remove", "DELETE", f"/containers/{name}"),
    ):
        begun = time.perf_counter()
        status, answer = daemon.ask(method, path, body if part == "request: create" else None)
        times[part] = time.perf_counter() - begun
        assert status < 300, answer
    return times


def _growth(daemon: Daemon) -> Iterator[tuple[str, float]]:
    times = []
    for number in range(MANY):
        begun = time.perf_counter()
        daemon.run(f"many-{number}", "sleep", "1000")
        times.append(time.perf_counter() - begun)
    yield "run -d, containers 1 to 50", statistics.median(times[:50])
    yield "run -d, containers 151 to 200", statistics.median(times[-50:])
    begun = time.perf_counter()
    for number in range(MANY):
        daemon.ask("DELETE", f"/containers/many-{number}?force=1")
    yield "rm -f, each of 200", (time.perf_counter() - begun) / MANY


def _memory(daemon: Daemon) -> Iterator[tuple[str, float]]:
    yield "memory: daemon", pss(daemon.pid)
    yield "memory: supervisor", pss(daemon.supervisor_pid())
    for number in range(SHIMS):
        daemon.run(f"idle-{number}", "sleep", "1000")
    shims = shim_pids(root_of(daemon.config))
    yield f"memory: a shim among {SHIMS}", statistics.mean(pss(pid) for pid in shims)
    for number in range(SHIMS):
        daemon.ask("DELETE", f"/containers/idle-{number}?force=1")


def pss(pid: int) -> float:
    """Proportional set size, in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024.0
    return 0.0


def shim_pids(root: str) -> list[int]:
    """The shims of the engine below `root`: each stands in its bundle."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            title, place = (entry / "comm").read_text(), (entry / "cwd").readlink()
        except OSError:
            continue
        if title.startswith("boxship-shim") and place.is_relative_to(root):
            found.append(int(entry.name))
    return found
