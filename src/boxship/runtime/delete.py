"""`delete`: what `create` made is unmade; the bundle stays."""

import os
import time

from boxship.kernel.ignoring import ignoring
from boxship.model.errors import BoxshipError, Conflict, NotFound, System
from boxship.runtime import hooks, state
from boxship.runtime.kill import signal_init
from boxship.runtime.operations import reason

_PATIENCE_S = 10.0


def delete(container_id: str, root: str = state.DEFAULT_ROOT, force: bool = False) -> None:
    """Remove a stopped container, one that was never started, or, by force, any."""
    try:
        container = state.load(container_id, root)
    except NotFound:
        if force:
            _remove_leftovers(os.path.join(root, container_id))
            return
        raise
    status = container.status()
    if status in ("running", "paused") and not force:
        raise Conflict(
            f"cannot delete container {container_id} that is not stopped: {status}",
            hint="kill it first, or use --force",
        )
    destroy(container)
    # runtime.md, "Lifecycle": a poststop hook that fails does not stop the rest.
    with ignoring(BoxshipError):
        hooks.run(container.spec.get("hooks"), "poststop", container.document("stopped"))


def destroy(container: state.State) -> None:
    """End what lives, then remove the control group and the state."""
    if container.is_alive():
        signal_init(container, 9)
        if container.group is not None and container.group.is_frozen():
            container.group.freeze(False)
        _wait_for_end(container)
    group = container.group
    if group is not None:
        if group.exists():
            group.kill()
        try:
            group.remove()
        except OSError as error:
            raise System(f"remove the control group: {reason(error)}") from error
    _remove_leftovers(container.directory)


def _wait_for_end(container: state.State) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while container.is_alive():
        if time.monotonic() > deadline:
            raise System(
                f"container {container.id} did not end within {_PATIENCE_S:.0f} s of SIGKILL"
            )
        time.sleep(0.001)


def _remove_leftovers(directory: str) -> None:
    """state.json goes last but the directory: until then the container can be deleted again."""
    try:
        names = sorted(os.listdir(directory), key=lambda name: name == state.FILE)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        with ignoring(FileNotFoundError):
            os.unlink(f"{directory}/{name}")
    os.rmdir(directory)
