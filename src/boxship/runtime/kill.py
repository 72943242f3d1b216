"""`kill`: a signal for init, or for every process of the container."""

from boxship.model.errors import Conflict, Invalid
from boxship.runtime import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.kernel.cgroups import Group

_SIGKILL = 9


def kill(
    container_id: str, root: str = state.DEFAULT_ROOT, signal: int = 15, all_: bool = False
) -> None:
    """Send `signal`; Conflict if nothing is left that could get it."""
    container = state.load(container_id, root)
    shares_pids = not has_own_pids(container)
    everyone = all_ or (shares_pids and signal == _SIGKILL)
    if everyone and (_signal_all(container.group, signal) or all_):
        return
    if not signal_init(container, signal):
        raise Conflict("container not running")
    if signal == _SIGKILL and container.group is not None and container.group.is_frozen():
        # v1 delivers not even SIGKILL to what is frozen.
        container.group.freeze(False)


def has_own_pids(container: state.State) -> bool:
    """Whether the end of init ends every process."""
    entries = (container.spec.get("linux") or {}).get("namespaces") or ()
    return any(entry["type"] == "pid" and not entry.get("path") for entry in entries)


def signal_init(container: state.State, signal: int) -> bool:
    """By pidfd, so that it cannot reach another process with init's number; False if it is gone."""
    import os
    from _signal import pidfd_send_signal  # type: ignore[import-not-found]  # signal imports enum

    if not container.pid:
        return False
    try:
        process = os.pidfd_open(container.pid)
    except (ProcessLookupError, OSError):
        return False
    try:
        if not container.is_alive():
            return False
        pidfd_send_signal(process, signal)
    except ProcessLookupError:
        return False
    except OSError as error:
        raise Invalid(f"signal {signal}: {error.strerror}") from error
    finally:
        os.close(process)
    return True


def _signal_all(group: "Group | None", signal: int) -> bool:
    """Frozen meanwhile, so that none forks away; False if the group is empty."""
    if group is None or not group.exists() or not group.pids():
        return False
    if signal == _SIGKILL:
        group.kill()
        return True
    was_frozen = group.is_frozen()
    group.freeze(True)
    try:
        group.signal(signal)
    finally:
        if not was_frozen:
            group.freeze(False)
    return True
