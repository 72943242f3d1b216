"""A process in the foreground of `run` and `exec`: signals go to it, its terminal comes here."""

import _signal  # type: ignore[import-not-found]  # signal imports enum
import os
import select
import termios

from boxship.kernel.ignoring import ignoring
from boxship.kernel.process import prctl
from boxship.model.errors import Invalid
from boxship.runtime.create import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_FORWARDED = (1, 2, 3, 10, 12, 15, 18)  # HUP INT QUIT USR1 USR2 TERM CONT


class Foreground:
    """What stands between our terminal and the process."""

    def __init__(self, options: Options, *, terminal: bool) -> None:
        """`terminal`: the process has one of its own."""
        self.options = options
        self.terminal = terminal
        self._receiver: Any = None

    def choose_console(self, connect: "Callable[[str], int]", path: str, *, detach: bool) -> None:
        """The master goes to --console-socket, or comes to us, who stay."""
        if not self.terminal:
            if path:
                raise Invalid("cannot use console socket if runc will not detach or allocate tty")
            return
        if path:
            self.options.console = connect(path)
        elif detach:
            raise Invalid("cannot allocate tty if runc will detach without setting console socket")
        else:
            import _socket

            self._receiver, sender = (
                _socket.socket(fileno=end.detach()) for end in _socket.socketpair()
            )
            self.options.console = sender.detach()

    def wait(self, pid: int) -> int:
        """Relay until the process ends; its exit status as a shell has it."""
        prctl(_PR_SET_CHILD_SUBREAPER, 1)
        for number in _FORWARDED:
            _signal.signal(number, lambda signal, _: _send(pid, signal))
        if self._receiver is None:
            return _status(os.waitpid(pid, 0)[1])
        with _Raw():
            return self._relay(pid, _receive(self._receiver))

    def _relay(self, pid: int, master: int) -> int:
        _copy_size(master)
        _signal.signal(_signal.SIGWINCH, lambda *_: _copy_size(master))
        watch = os.pidfd_open(pid)
        poll = select.poll()
        for fd in (0, master, watch):
            poll.register(fd, select.POLLIN)
        ended = False
        while True:
            ready = dict(poll.poll(0 if ended else None))
            if 0 in ready:
                data = os.read(0, 65536)
                os.write(master, data or b"\x04")
                if not data:
                    poll.unregister(0)
            if master in ready and not _pass_on(master):
                poll.unregister(master)
                ready.pop(master)
            if ended and master not in ready:
                return _status(os.waitpid(pid, 0)[1])
            ended = ended or watch in ready
            if ended and watch in ready:
                poll.unregister(watch)


def _pass_on(master: int) -> bool:
    """False at the end: reading a master whose slaves are closed is EIO."""
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    while data:
        data = data[os.write(1, data) :]
    return True


class _Raw:
    """Our terminal in raw mode, if standard input is one."""

    def __enter__(self) -> None:
        self._before: list[Any] | None = None
        with ignoring(termios.error):
            self._before = termios.tcgetattr(0)
            raw = termios.tcgetattr(0)
            raw[0] &= ~(
                termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON
            )
            raw[1] &= ~termios.OPOST
            raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
            raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
            termios.tcsetattr(0, termios.TCSAFLUSH, raw)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)


def _receive(receiver: "Any") -> int:  # noqa: ANN401  a socket of the C module
    import struct

    _, rights, _, _ = receiver.recvmsg(4096, 64)
    receiver.close()
    (master,) = struct.unpack("i", rights[0][2][:4])
    return int(master)


def _copy_size(master: int) -> None:
    import fcntl

    with ignoring(OSError):
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)


def _send(pid: int, signal: int) -> None:
    with ignoring(ProcessLookupError):
        os.kill(pid, signal)


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
