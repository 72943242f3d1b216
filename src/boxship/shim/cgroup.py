"""The container's cgroup, found by a process in it; and news of the out-of-memory killer."""

from functools import cache

from boxship.kernel import cgroups, cgroups_v1, cgroups_v2
from boxship.kernel.cgroups import Group, OomEvents
from boxship.shim.loop import READ, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def _points() -> dict[str, str]:
    # Once, by the zygote: they do not change while the host is up.
    return {} if cgroups.is_unified() else cgroups_v1.hierarchies()


def is_unified() -> bool:
    """Whether the host has cgroup v2 alone."""
    return not _points()


def group_of(pid: int) -> Group:
    """The group of process `pid`, whichever runtime made it."""
    points = _points()
    paths = {}
    for line in cgroups.read(f"/proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in points:
            paths[controllers] = points[controllers] + path
        elif not points and not controllers:
            return cgroups_v2.find(path)
    return cgroups_v1.GroupV1(paths)


class OomWatch:
    """Calls back whenever the out-of-memory killer has worked in the group of a process."""

    def __init__(self, loop: Loop, pid: int, callback: "Callable[[], None]") -> None:
        """Watch from now on; without a memory controller, never."""
        self._loop = loop
        self._callback = callback
        self._events: OomEvents | None = None
        try:
            self._events = group_of(pid).oom_events()
        except OSError:
            return
        if self._events:
            loop.add(self._events.fileno(), self._on_ready, _events_of(self._events))

    def close(self) -> None:
        """Watch no more."""
        if self._events:
            self._loop.remove(self._events.fileno())
            self._events.close()
            self._events = None

    def _on_ready(self, _events: int) -> None:
        if self._events and self._events.happened():
            self._callback()


def _events_of(events: OomEvents) -> int:
    return int(getattr(events, "events", READ))
