"""What goes to a process: bytes of attach clients or of a FIFO, into its pipe or terminal."""

import os

from boxship.shim.loop import READ, WRITE, Loop
from boxship.shim.sinks import Backlog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Enough for a paste; who sends more waits until the process has read.
MOST_HELD = 64 * 1024


class Stdin:
    """The write end of a process' standard input."""

    def __init__(self, loop: Loop, fd: int, *, terminal: bool) -> None:
        """Own `fd`, which does not block; -1: everything is thrown away."""
        self._loop = loop
        self._fd = fd
        self._terminal = terminal
        self._backlog = Backlog()
        self._ending = False
        self._watching = False
        self._waiting: list[Callable[[], None]] = []

    @property
    def full(self) -> bool:
        """Whether the process is behind."""
        return self._backlog.size >= MOST_HELD

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._fd < 0

    def when_room(self, callback: "Callable[[], None]") -> None:
        """Call back once, when it is no longer full."""
        self._waiting.append(callback)

    def write(self, data: bytes) -> None:
        """Give `data` to the process, as fast as it reads."""
        if self._fd >= 0 and not self._ending:
            self._backlog.append(data)
            self._flush()

    def end(self) -> None:
        """The end of the input, once all of it was taken.  A terminal has none: it ends with ^D."""
        if not self._terminal:
            self._ending = True
            self._flush()

    def close(self) -> None:
        """Close now."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            if self._watching:
                self._loop.remove(fd)
            os.close(fd)
        self._backlog.clear()
        self._call_waiting()

    def _on_writable(self, _events: int) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._fd < 0:
            return
        try:
            self._backlog.send(lambda piece: os.write(self._fd, piece))
        except OSError:
            self.close()  # EPIPE: the process has closed it.
            return
        if not self._backlog.size and self._ending:
            self.close()
            return
        self._watch(self._backlog.size > 0)
        if not self.full:
            self._call_waiting()

    def _watch(self, wanted: bool) -> None:
        if wanted and not self._watching:
            self._loop.add(self._fd, self._on_writable, WRITE)
        elif self._watching and not wanted:
            self._loop.remove(self._fd)
        self._watching = wanted

    def _call_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()


class FifoFeed:
    """A FIFO that a client writes its input into."""

    def __init__(self, loop: Loop, path: str, stdin: Stdin) -> None:
        """Open `path`: data and the end of it are heard of after the first writer came."""
        self._loop = loop
        self._stdin = stdin
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._reading = False

    def start(self) -> None:
        """Begin, or go on, to read."""
        if self._fd >= 0 and not self._reading:
            self._reading = True
            self._loop.add(self._fd, self._on_ready, READ)

    def end(self) -> None:
        """CloseIO: what the client has written before still reaches the process."""
        while self._fd >= 0 and self._copy():
            pass
        self.close()
        self._stdin.end()

    def close(self) -> None:
        """Stop reading."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            if self._reading:
                self._loop.remove(fd)
            os.close(fd)

    def _on_ready(self, events: int) -> None:
        if not self._copy() and events & ~READ:
            self.close()
            self._stdin.end()
        elif self._stdin.full and self._fd >= 0:
            self._reading = False
            self._loop.remove(self._fd)
            self._stdin.when_room(self.start)

    def _copy(self) -> int:
        try:
            data = os.read(self._fd, MOST_HELD)
        except OSError:
            return 0
        self._stdin.write(data)
        return len(data)
