"""A container's state: the `State` of inspect, and the sentence of `docker ps`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.daemon.views.moments import span, stamp

if TYPE_CHECKING:
    from boxship.daemon.container import Container, State


def state(container: Container) -> dict[str, Any]:
    """The `State` of inspect."""
    now = container.state
    return {
        "Status": now.status,
        "Running": now.running,
        "Paused": now.paused,
        "Restarting": now.restarting,
        "OOMKilled": now.oom_killed,
        "Dead": now.dead,
        "Pid": now.pid,
        "ExitCode": now.exit_code,
        "Error": now.error,
        "StartedAt": stamp(now.started_at_ns),
        "FinishedAt": stamp(now.finished_at_ns),
    }


def sentence(state: State, now_ns: int) -> str:
    """`Up 5 minutes`, `Exited (0) 2 hours ago`, `Created` ..."""
    if state.running:
        if state.restarting:
            return f"Restarting ({state.exit_code}) {_ago(state, now_ns)}"
        up = f"Up {span(now_ns - state.started_at_ns)}"
        return f"{up} (Paused)" if state.paused else up
    if state.removing:
        return "Removal In Progress"
    if state.dead:
        return "Dead"
    if not state.started_at_ns:
        return "Created"
    return f"Exited ({state.exit_code}) {_ago(state, now_ns)}" if state.finished_at_ns else ""


def _ago(state: State, now_ns: int) -> str:
    return f"{span(now_ns - state.finished_at_ns)} ago"
