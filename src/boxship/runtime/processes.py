"""Which processes a container has."""

from boxship.runtime import state


def pids(container_id: str, root: str = state.DEFAULT_ROOT) -> list[int]:
    """In the caller's numbers, ascending."""
    container = state.load(container_id, root)
    if container.group is not None:
        return container.group.pids()
    return [container.pid] if container.is_alive() else []
