"""Jobs that run in a child of the shim: a function of ours in a fork, or a program.

child                       shim
{"value": ...}\\n   ─────▶   resume(value)
{"error": [...]}\\n ─────▶   resume with that error
(exits)            ─────▶   resume with System, if it said nothing
"""

import json
import os
import signal

from boxship.kernel.mounts import MNT_DETACH, MS_REC, MS_SLAVE, mount, umount2
from boxship.kernel.namespaces import CLONE_NEWNS, unshare
from boxship.kernel.process import clone, close_all_but
from boxship.model import errors
from boxship.runtime import become
from boxship.shim.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Value = Any

    from boxship.shim.loop import Job, Resume

_RESET = (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def forked(loop: Loop, function: "Callable[[], Any]", keep: "Sequence[int]" = ()) -> "Job":
    """`function` in a child that has the descriptors of `keep` and no others of the shim."""

    def start(resume: "Resume") -> None:
        read, write = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if not pid:
            run_in_child(function, write, {0, 1, 2, write, *keep})
        os.close(write)
        _Forked(loop, pid, read, resume)

    return start


def born(loop: Loop, flags: int, life: "Callable[[int], None]", keep: "Sequence[int]") -> "Job":
    """A child in new namespaces, which lives on; the value is its pid and what it had to say.

    `life` is called in it with the descriptor to speak to; it has said all when become.is_last.
    """

    def start(resume: "Resume") -> None:
        read, write = os.pipe2(os.O_CLOEXEC)

        def body() -> None:
            signal.set_wakeup_fd(-1)
            close_all_but({0, 1, 2, write, *keep}, 0)
            life(write)

        try:
            pid = clone(flags, body)
        except OSError as error:
            os.close(read)
            text = f"unable to make the namespaces of init: {error.strerror}"
            resume(None, errors.System(text))
            return
        finally:
            os.close(write)
        _Newborn(loop, pid, read, resume)

    return start


class _Newborn:
    """A child that tells how far it is."""

    def __init__(self, loop: Loop, pid: int, read: int, resume: "Resume") -> None:
        self._loop = loop
        self._pid = pid
        self._fd = read
        self._resume = resume
        self._said = b""
        os.set_blocking(read, False)
        loop.add(read, self._on_ready)

    def _on_ready(self, _events: int) -> None:
        try:
            data = os.read(self._fd, 64 * 1024)
        except BlockingIOError:
            return
        self._said += data
        if not data or become.is_last(self._said):
            self._loop.remove(self._fd)
            os.close(self._fd)
            self._resume((self._pid, self._said), None)


def run_in_child(function: "Callable[[], Any]", write: int, keep: set[int]) -> None:
    """The life of a forked child: call, tell, exit; returns never."""
    try:
        signal.set_wakeup_fd(-1)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        close_all_but(keep, 0)
        os.write(write, _answer(function))
    finally:
        os._exit(0)


def _answer(function: "Callable[[], Any]") -> bytes:
    answer: dict[str, Any]
    try:
        answer = {"value": function()}
    except errors.BoxshipError as error:
        answer = {"error": [type(error).__name__, error.message, error.hint]}
    except Exception as error:  # noqa: BLE001 - everything is told to the one who waits
        answer = {"error": ["System", f"{error}" or type(error).__name__, ""]}
    return json.dumps(answer).encode() + b"\n"


def value_of(answer: bytes) -> "Value":
    """What the child of `run_in_child` said; raises its error."""
    if not answer.endswith(b"\n"):
        raise errors.System("the process that does this work died before it was done")
    said = json.loads(answer)
    if "error" in said:
        kind, message, hint = said["error"]
        raise getattr(errors, kind, errors.System)(message, hint=hint)
    return said["value"]


class _Forked:
    """A child whose answer is being read."""

    def __init__(self, loop: Loop, pid: int, read: int, resume: "Resume") -> None:
        self._loop = loop
        self._fd = read
        self._resume = resume
        self._answer = b""
        os.set_blocking(read, False)
        loop.add(read, self._on_ready)
        loop.watch_child(pid, self._on_exit)

    def _on_ready(self, _events: int) -> None:
        try:
            data = os.read(self._fd, 64 * 1024)
        except BlockingIOError:
            return
        self._answer += data
        # The end of file may be far: the container's init can hold the other end until it starts.
        if not data or self._answer.endswith(b"\n"):
            self._done()

    def _on_exit(self, _status: int) -> None:
        if self._fd >= 0:
            self._on_ready(0)
            self._done()

    def _done(self) -> None:
        if self._fd < 0:
            return
        self._loop.remove(self._fd)
        os.close(self._fd)
        self._fd = -1
        try:
            value = value_of(self._answer)
        except errors.BoxshipError as error:
            self._resume(None, error)
        else:
            self._resume(value, None)


def program(loop: Loop, argv: "list[str]", stdio: tuple[int, int, int], hidden: str = "") -> "Job":
    """A program with these descriptors as its first three; the value is its wait status.

    `hidden`: a mount point that the program is not to see.
    """

    def start(resume: "Resume") -> None:
        try:
            pid = _spawn_without(hidden, argv, stdio) if hidden else _spawn(argv, stdio)
        except OSError as error:
            resume(None, errors.System(f"the OCI runtime {argv[0]} cannot run: {error.strerror}"))
            return
        loop.watch_child(pid, lambda status: resume(status, None))

    return start


def _spawn(argv: "list[str]", stdio: tuple[int, int, int]) -> int:
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(stdio)]
    return os.posix_spawnp(
        argv[0], argv, os.environ, file_actions=actions, setsigmask=(), setsigdef=_RESET
    )


def _spawn_without(hidden: str, argv: "list[str]", stdio: tuple[int, int, int]) -> int:
    pid = os.fork()
    if not pid:
        try:
            unshare(CLONE_NEWNS)
            mount(None, "/", None, MS_REC | MS_SLAVE)
            umount2(hidden, MNT_DETACH)
            for number, fd in enumerate(os.dup(fd) for fd in stdio):
                os.dup2(fd, number)
            for reset in _RESET:
                signal.signal(reset, signal.SIG_DFL)
            os.execvp(argv[0], argv)
        finally:
            os._exit(127)
    return pid


def fifo_of(loop: Loop, path: str, pid: int) -> "Job":
    """All that process `pid` writes to the FIFO at `path` before it closes it, or ends."""
    return lambda resume: _Fifo(loop, resume).open(path, pid)


class _Fifo:
    """The reader; it hears of the writer's death even if that never came to open the FIFO."""

    def __init__(self, loop: Loop, resume: "Resume") -> None:
        self._loop = loop
        self._resume = resume
        self._fds: list[int] = []
        self._answer = b""

    def open(self, path: str, pid: int) -> None:
        try:
            self._fds.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
            self._fds.append(os.pidfd_open(pid))
        except OSError:
            self._done()
            return
        for fd in self._fds:
            self._loop.add(fd, self._on_ready)

    def _on_ready(self, _events: int) -> None:
        try:
            while data := os.read(self._fds[0], 64 * 1024):
                self._answer += data
        except BlockingIOError:
            return
        self._done()

    def _done(self) -> None:
        for fd in self._fds:
            self._loop.remove(fd)
            os.close(fd)
        self._resume(self._answer, None)


def after_exit(watch: "Callable[[Callable[[], None]], None]") -> "Job":
    """A job that is done when `watch` calls back."""
    return lambda resume: watch(lambda: resume(None, None))
