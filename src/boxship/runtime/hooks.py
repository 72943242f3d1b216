"""Hooks of the life cycle: programs that get the container's state on standard input."""

import os
import select
import time

from boxship.kernel.ignoring import ignoring
from boxship.model.errors import System
from boxship.runtime import documents
from boxship.runtime.operations import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(hooks: "dict[str, Any] | None", when: str, state: "dict[str, Any]") -> None:
    """Every hook of `when`, in order; the first that fails is an error."""
    for number, hook in enumerate((hooks or {}).get(when) or ()):
        try:
            _run(hook, documents.render(state).encode())
        except (OSError, System) as error:
            why = error.message if isinstance(error, System) else reason(error)
            raise System(f"error running {when} hook #{number} {hook['path']}: {why}") from error


def _run(hook: "dict[str, Any]", state: bytes) -> None:
    """One hook; what it prints is shown if it fails."""
    status_in, status_out = os.pipe()
    said_in, said_out = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(hook, status_in, said_out)
    os.close(status_in)
    os.close(said_out)
    with ignoring(BrokenPipeError):
        os.write(status_out, state)
    os.close(status_out)
    try:
        said = _read_until(said_in, hook.get("timeout"), pid)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(said_in)
    code = os.waitstatus_to_exitcode(status)
    if code:
        shown = said.decode(errors="replace").strip()[-2000:]
        how = f"exit status {code}" if code > 0 else f"signal {-code}"
        raise System(f"{how}, output: {shown}")


def _become(hook: "dict[str, Any]", stdin: int, out: int) -> None:
    """Never returns."""
    status = 127
    try:
        import _signal  # type: ignore[import-not-found]  # signal imports enum

        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
        for number, fd in enumerate((stdin, out, out)):
            os.dup2(fd, number, inheritable=True)
        pairs = (setting.partition("=") for setting in hook.get("env") or ())
        os.execve(hook["path"], hook.get("args") or [hook["path"]], {k: v for k, _, v in pairs})
    except OSError as error:
        os.write(2, f"exec {hook['path']}: {reason(error)}".encode())
    finally:
        os._exit(status)


def _read_until(fd: int, timeout: int | None, pid: int) -> bytes:
    deadline = None if not timeout else time.monotonic() + timeout
    said = b""
    watch = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.register(watch, select.POLLIN)
    try:
        while True:
            left = None if deadline is None else max(0, deadline - time.monotonic()) * 1000
            ready = dict(poll.poll(left))
            if not ready:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                raise System(f"timed out after {timeout} s")
            if fd in ready:
                chunk = os.read(fd, 65536)
                said = (said + chunk)[-65536:]
                if chunk:
                    continue
                poll.unregister(fd)
            if watch in ready:
                return said
    finally:
        os.close(watch)
