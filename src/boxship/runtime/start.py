"""`start`: release the init of a created container, and learn whether its program runs."""

import os
import select

from boxship.kernel.ignoring import ignoring
from boxship.model.errors import BoxshipError, Conflict, System
from boxship.runtime import hooks, state
from boxship.runtime.handshake import from_json
from boxship.runtime.init import GOING


def start(container_id: str, root: str = state.DEFAULT_ROOT) -> None:
    """Returns once the program is executing; raises, in words, why it could not be."""
    container = state.load(container_id, root)
    status = container.status()
    if status != "created":
        raise Conflict(_REFUSALS.get(status, f"cannot start a container in the {status} state"))
    answer = _release(container)
    with ignoring(FileNotFoundError):
        os.unlink(container.fifo)
    if not answer.startswith(GOING):
        raise System("the container's init was killed before it could start")
    if len(answer) > len(GOING):
        raise from_json(answer[len(GOING) :])
    try:
        hooks.run(container.spec.get("hooks"), "poststart", container.document("running"))
    except BoxshipError:
        os.kill(container.pid, 9)
        raise


_REFUSALS = {
    "stopped": "cannot start a container that has stopped",
    "running": "cannot start an already running container",
    "paused": "cannot start a paused container",
}


def _release(container: state.State) -> bytes:
    """Everything that init writes to the fifo: see init.py."""
    try:
        watch = os.pidfd_open(container.pid)
    except ProcessLookupError:
        return b""
    fifo = os.open(container.fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    poll = select.poll()
    poll.register(fifo, select.POLLIN)
    poll.register(watch, select.POLLIN)
    answer = b""
    try:
        while True:
            ready = dict(poll.poll())
            if ready.get(fifo, 0) & select.POLLIN:
                answer += os.read(fifo, 65536)
            elif fifo in ready or watch in ready:
                return answer  # Closed on exec, or with the process.
    finally:
        os.close(fifo)
        os.close(watch)
