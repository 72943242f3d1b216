"""One process of a task, the init or an exec: its state, pid, exit status and stdio."""

import os

from boxship.model.errors import Conflict, NotFound
from boxship.shim import messages
from boxship.shim.stdio import Stdio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NEW, CREATED, RUNNING, PAUSED, STOPPED, DELETED = (
    "new", "created", "running", "paused", "stopped", "deleted",
)  # fmt: skip

MOVES = {
    (NEW, "create"): CREATED,
    (CREATED, "start"): RUNNING,
    (RUNNING, "pause"): PAUSED,
    (PAUSED, "resume"): RUNNING,
    (CREATED, "exit"): STOPPED,
    (RUNNING, "exit"): STOPPED,
    (PAUSED, "exit"): STOPPED,
    (NEW, "delete"): DELETED,
    (CREATED, "delete"): DELETED,
    (STOPPED, "delete"): DELETED,
}

STATUS = {
    NEW: messages.CREATED,
    CREATED: messages.CREATED,
    RUNNING: messages.RUNNING,
    PAUSED: messages.PAUSED,
    STOPPED: messages.STOPPED,
    DELETED: messages.STOPPED,
}

# What the exit status of a process that never ran reads as.
NOT_RUN = 128


class Process:
    """`exec_id` is "" for the init."""

    def __init__(self, exec_id: str, stdio: Stdio, spec: "dict[str, Any] | None" = None) -> None:
        """A process that is only a plan; `spec` is the OCI process of an exec."""
        self.exec_id = exec_id
        self.stdio = stdio
        self.spec = spec
        self.state = NEW
        self.pid = 0
        self.exit_status = 0
        self.exited_ns = 0
        self.busy = False
        self.quiet = False
        self._held_exit: Callable[[], None] | None = None
        self._waiting: list[Callable[[], None]] = []

    def move(self, verb: str) -> None:
        """Go to the next state; Conflict if `verb` is not possible now."""
        try:
            self.state = MOVES[self.state, verb]
        except KeyError:
            raise Conflict(self.refusal(verb)) from None

    def check(self, verb: str) -> None:
        """Conflict unless `verb` is possible now."""
        if (self.state, verb) not in MOVES or self.busy:
            raise Conflict(self.refusal(verb))

    def refusal(self, verb: str) -> str:
        """In containerd's words, as its clients look for them."""
        what = "process" if self.exec_id else "container"
        state = "busy" if self.busy else self.state
        return f"cannot {verb} a {state} {what}"

    @property
    def alive(self) -> bool:
        """Whether its pid is that of a process not reaped yet."""
        return self.pid > 0 and self.state in {CREATED, RUNNING, PAUSED}

    def kill(self, number: int) -> None:
        """Signal it.  The pid is ours until we have reaped it, so it cannot be another's."""
        if self.state == NEW:
            raise Conflict("process not created: cannot signal it")
        if not self.alive:
            raise NotFound("process already finished")
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            raise NotFound("process already finished") from None

    def hold_exit(self) -> None:
        """Until `release_exit`, an exit is noticed later: a start is told before the end."""
        self.busy = True

    def release_exit(self) -> None:
        """Notice an exit that came in the meantime."""
        self.busy = False
        held, self._held_exit = self._held_exit, None
        if held:
            held()

    def ended(self, wait_status: int, now_ns: int, tell: "Callable[[], None]") -> None:
        """It was reaped: read its output, then `tell`, then answer who waits."""
        if self.busy:
            self._held_exit = lambda: self.ended(wait_status, now_ns, tell)
            return
        self.exit_status = exit_status_of(wait_status)
        self.exited_ns = now_ns
        self.move("exit")
        self.stdio.exited()
        tell()
        self.answer_waiting()

    def never_ran(self, now_ns: int) -> None:
        """Its start failed for good."""
        self.exit_status = NOT_RUN
        self.exited_ns = now_ns
        self.state = STOPPED
        self.stdio.abandon()
        self.answer_waiting()

    def when_ended(self, callback: "Callable[[], None]") -> None:
        """Call back at its end, at once if that was before."""
        if self.state in {STOPPED, DELETED}:
            callback()
        else:
            self._waiting.append(callback)

    def answer_waiting(self) -> None:
        """Call back all that wait."""
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()


def exit_status_of(wait_status: int) -> int:
    """As a shell counts: a signal is 128 and its number."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code
