"""Between the user's stdin, stdout, stderr and the pipe to a process in a container.

One loop, no threads.  Signals wake it through a pipe, and are handled in it.
"""

import os
import select
import signal
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.api.docker.client import Hijacked
    from boxship.cli.terminal import Detacher

PIECE = 65536
HEADER = 8
DETACHED, ENDED = "detached", "ended"


class Signals:
    """`with Signals(numbers) as signals: ...`: they are noted, not acted upon."""

    def __init__(self, numbers: "tuple[signal.Signals, ...]") -> None:
        """Which signals to take."""
        self.numbers = numbers
        self.reader = self._writer = self._before = -1
        self._handlers: list[tuple[signal.Signals, object]] = []

    def __enter__(self) -> "Signals":
        self.reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in self.numbers:
            self._handlers.append((number, signal.signal(number, _note)))
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers:
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._before)
        os.close(self.reader)
        os.close(self._writer)

    def received(self) -> bytes:
        """The numbers of the signals since the last call."""
        try:
            return os.read(self.reader, 256)
        except BlockingIOError:
            return b""


def _note(_number: int, _frame: object) -> None:
    """The wakeup descriptor has it."""


FORWARDED = tuple(
    getattr(signal, f"SIG{name}")
    for name in (
        *("HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "CONT", "TSTP", "TTIN", "TTOU"),
    )
)


class Relay:
    """Moves bytes until the other side ends, or the user detaches."""

    def __init__(self, pipe: "Hijacked", *, stdin: bool, detacher: "Detacher | None") -> None:
        """`detacher` watches the keys, where the input is a terminal's."""
        self.link = pipe.link
        self.framed = pipe.framed
        self.detacher = detacher
        self.reads_stdin = stdin
        self.waiting = b""
        self.frames = Frames()
        self.at_end = False
        self.early = pipe.early

    def run(self, signals: Signals, on_signal: "Callable[[int], None]") -> str:
        """ENDED or DETACHED."""
        self.link.setblocking(False)
        poll = select.poll()
        poll.register(signals.reader, select.POLLIN)
        if self._begin():
            return ENDED
        while True:
            self._watch(poll)
            for descriptor, _ in poll.poll():
                if descriptor == signals.reader:
                    for number in signals.received():
                        on_signal(number)
                elif descriptor == 0 and self._from_stdin():
                    return DETACHED
                elif descriptor == self.link.fileno() and self._from_link():
                    return ENDED
            self._send()

    def _begin(self) -> bool:
        """What came before the first poll; True if that was all."""
        if self.early:
            self._show(self.early)
        # TLS may hold what it has read already: that wakes no poll.
        return self._from_link()

    def _watch(self, poll: "select.poll") -> None:
        events = select.POLLIN | (select.POLLOUT if self.waiting else 0)
        poll.register(self.link.fileno(), events)
        if self.reads_stdin and not self.waiting:
            poll.register(0, select.POLLIN)
        else:
            _forget(poll, 0)

    def _from_stdin(self) -> bool:
        """True when the user detached."""
        data = os.read(0, PIECE)
        if not data:
            self.reads_stdin = False
            self.at_end = True
            return False
        if self.detacher is not None:
            data = self.detacher.feed(data)
        self.waiting += data
        if self.detacher is not None and self.detacher.found:
            self._send()
            return True
        return False

    def _send(self) -> None:
        if self.waiting:
            try:
                sent = self.link.send(self.waiting)
            except OSError as error:
                if _would_block(error):
                    return
                # Nobody takes input any more; the output tells the rest.
                self.reads_stdin, self.waiting = False, b""
                return
            self.waiting = self.waiting[sent:]
        if self.at_end and not self.waiting:
            self.at_end = False
            _half_close(self.link)

    def _from_link(self) -> bool:
        """True at the end."""
        while True:
            try:
                data = self.link.recv(PIECE)
            except OSError as error:
                return not _would_block(error)
            if not data:
                return True
            self._show(data)

    def _show(self, data: bytes) -> None:
        if not self.framed:
            write_all(1, data)
            return
        for stream, payload in self.frames.feed(data):
            write_all(2 if stream == 2 else 1, payload)


def _forget(poll: "select.poll", descriptor: int) -> None:
    try:
        poll.unregister(descriptor)
    except KeyError:
        return


def _would_block(error: OSError) -> bool:
    """Also over TLS, whose module is not imported for this."""
    wants = ("SSLWantReadError", "SSLWantWriteError")
    return isinstance(error, (BlockingIOError, InterruptedError)) or type(error).__name__ in wants


def _half_close(link: socket.socket) -> None:
    end = getattr(link, "unwrap", None)
    try:
        if end is not None:
            # Over TLS: says that nothing more comes; what the other side sends is still read.
            end()
        else:
            link.shutdown(socket.SHUT_WR)
    except OSError:
        return


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, also where the terminal is set not to block."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


class Frames:
    """Docker's frames of output: stream, three zeros, length, payload."""

    __slots__ = ("_left", "_rest", "_stream")

    def __init__(self) -> None:
        """At the border of a frame."""
        self._rest = b""
        self._left = 0
        self._stream = 1

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The payloads in the data; a long one comes in parts."""
        out: list[tuple[int, bytes]] = []
        data = self._rest + data
        pos = 0
        while pos < len(data):
            if not self._left:
                if len(data) - pos < HEADER:
                    break
                self._stream = data[pos]
                self._left = int.from_bytes(data[pos + 4 : pos + HEADER], "big")
                pos += HEADER
                continue
            payload = data[pos : pos + self._left]
            self._left -= len(payload)
            pos += len(payload)
            out.append((self._stream, payload))
        self._rest = data[pos:]
        return out
