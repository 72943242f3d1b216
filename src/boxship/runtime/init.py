"""What the new process does: its plan, the wait for `start`, the user's program.

start                            init
                                 open exec.fifo for writing: blocks
open exec.fifo for reading ──▶   both go on
            ◀── "0" ───────────  about to execute
            ◀── {error} ───────  execve(2) failed; it is gone
            ◀── end of file ───  executing: the fifo closed on exec
"""

import os

from boxship.kernel import process as kp
from boxship.kernel.cgroups import Entrance
from boxship.model.errors import BoxshipError, Invalid
from boxship.runtime import hooks, program
from boxship.runtime.handshake import MAPPED, READY, Channel, CreatorGone, to_json
from boxship.runtime.operations import Operation, Stage, carry_out
from boxship.runtime.process import environment, home_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from boxship.runtime.seccomp import Loader

GOING = b"0"
_SIGKILL = 9


class NewProcess:
    """A process to be, init's or exec's: everything is decided before it is born."""

    def __init__(self, process: "dict[str, Any]", channel: Channel, stage: Stage) -> None:
        """`process` as in config.json."""
        self.process = process
        self.channel = channel
        self.stage = stage
        self.plan: list[Operation] = []
        self.keep: set[int] = set()  # descriptors it needs, above 2
        self.entrance = Entrance()
        self.preserve = 0  # and as many from 3 on that the program gets
        self.mapped = False  # it has a user namespace whose maps the creator writes
        self.hidden = False  # others can see it while it is being made
        self.pdeathsig = False
        self.before: Callable[[], None] = _nothing
        self.fifo = -1  # exec.fifo, O_PATH; -1: execute at once
        self.seccomp: Loader | None = None
        self.late = False  # with no_new_privs the filter is loaded last of all
        self.hooks: tuple[dict[str, Any] | None, dict[str, Any]] = (None, {})

    def close(self) -> None:
        """What the creator had open for it."""
        self.entrance.close()
        if self.seccomp is not None:
            self.seccomp.close()
        if self.fifo >= 0:
            os.close(self.fifo)

    def live(self) -> None:
        """From birth to execve(2).  Runs in the child; does not return but by error."""
        try:
            self._prepare()
            file, arguments, env = self._program()
            report = self._wait_for_start() if self.fifo >= 0 else self.channel.writing
            self._execute(file, arguments, env, report)
        except CreatorGone:
            os._exit(1)
        except BaseException as error:  # noqa: BLE001  nothing may reach the creator's frames
            self.channel.fail(error)
            os._exit(1)

    def needs(self) -> set[int]:
        """Every descriptor above 2 that it is to have."""
        preserved = set(range(3, 3 + self.preserve))
        filtered = self.seccomp.keep if self.seccomp is not None else set()
        own = {self.channel.reading, self.channel.writing}
        return self.keep | self.entrance.keep | filtered | preserved | own

    def _prepare(self) -> None:
        kp.close_all_but(self.needs())
        if self.hidden:
            kp.prctl(kp.PR_SET_DUMPABLE, 0)
        self.before()
        if self.mapped:
            self.channel.wait_for(MAPPED)
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        carry_out(self.plan, self.stage)

    def _program(self) -> tuple[str, list[str], dict[str, str]]:
        env = environment(self.process)
        if "HOME" not in env:
            env["HOME"] = home_of((self.process.get("user") or {}).get("uid") or 0)
        arguments = self.process.get("args") or []
        file = program.find(arguments[0], env.get("PATH")) if arguments else ""
        if self.pdeathsig:
            # After the last change of credentials, which would clear it.
            kp.prctl(kp.PR_SET_PDEATHSIG, _SIGKILL)
        return file, arguments, env

    def _wait_for_start(self) -> int:
        """READY, then block on the fifo until `start` reads it."""
        self.channel.say(READY)
        self.channel.close()
        flags = os.O_WRONLY | os.O_CLOEXEC
        fifo = os.open(str(self.fifo), flags, dir_fd=self.stage.own_fds)
        os.write(fifo, GOING)
        return fifo

    def _execute(self, file: str, arguments: list[str], env: dict[str, str], report: int) -> None:
        """What is still open leads out of the container: only `report` stays until execve(2)."""
        try:
            self._close_all_but(report)
            wanted, state = self.hooks
            hooks.run(wanted, "startContainer", {**state, "status": "created", "pid": os.getpid()})
            if self.late and self.seccomp is not None:
                self.seccomp.load()
            if not arguments:
                raise Invalid("the container has no process to start")
            try:
                os.execve(file, arguments, env)
            except OSError as error:
                program.explain(arguments[0], file, error)
        except BoxshipError as error:
            os.write(report, to_json(error) + b"\n")
            os._exit(1)

    def _close_all_but(self, report: int) -> None:
        late = self.seccomp.keep if self.late and self.seccomp is not None else set()
        kp.close_all_but({report, *late, *range(3, 3 + self.preserve)})


def _nothing() -> None:
    """Nothing to do first."""
