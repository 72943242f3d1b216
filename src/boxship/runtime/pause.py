"""`pause` and `resume`: the control group is frozen, or thawed."""

from boxship.model.errors import Conflict, System
from boxship.runtime import state
from boxship.runtime.operations import reason


def pause(container_id: str, root: str = state.DEFAULT_ROOT) -> None:
    """Stop every process of a running or created container."""
    container = state.load(container_id, root)
    status = container.status()
    if status not in ("running", "created"):
        raise Conflict(f"container not running or created: {status}")
    _freeze(container, True)


def resume(container_id: str, root: str = state.DEFAULT_ROOT) -> None:
    """Let them go on."""
    container = state.load(container_id, root)
    if container.status() != "paused":
        raise Conflict("container not paused")
    _freeze(container, False)


def _freeze(container: state.State, frozen: bool) -> None:
    if container.group is None:
        raise Conflict("the container has no control group to freeze")
    try:
        container.group.freeze(frozen)
    except OSError as error:
        raise System(f"unable to {'pause' if frozen else 'resume'}: {reason(error)}") from error
