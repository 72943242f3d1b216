"""Where output comes from: the read end of a pipe, or the master of a terminal."""

import os

from boxship.shim.loop import READ, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.shim.sinks import Sink

_SMALLEST_READ = 64 * 1024
_LARGEST_READ = 1 << 20
# What a pipe and the process that fills it can have in flight; a bound, not a limit of the log.
_MOST_AT_ONCE = 4 << 20


class Source:
    """Copies one stream to its sinks until the end of it."""

    def __init__(self, loop: Loop, fd: int, stream: int, sinks: "list[Sink]") -> None:
        """Own `fd`, which does not block; `start` begins to read."""
        self._loop = loop
        self._fd = fd
        self.stream = stream
        self._sinks = sinks
        self._size = _SMALLEST_READ
        self._reading = False
        self._on_end: Callable[[], None] = _nothing

    @property
    def ended(self) -> bool:
        """Whether there is no more to come."""
        return self._fd < 0

    def start(self, on_end: "Callable[[], None]") -> None:
        """Begin to read."""
        self._on_end = on_end
        self.resume()

    def resume(self) -> None:
        """Go on, if all sinks have room."""
        if self._fd >= 0 and not self._reading and not self._full():
            self._reading = True
            self._loop.add(self._fd, self._on_ready, READ)

    def drain(self) -> None:
        """Read what is there now, whether or not the sinks have room."""
        done = 0
        while self._fd >= 0 and done < _MOST_AT_ONCE:
            size = self._copy()
            if not size:
                return
            done += size

    def close(self) -> None:
        """End the stream here."""
        if self._fd >= 0:
            self._pause()
            os.close(self._fd)
            self._fd = -1
            self._on_end()

    def _on_ready(self, _events: int) -> None:
        self._copy()
        if self._fd >= 0 and self._full():
            self._pause()

    def _copy(self) -> int:
        try:
            data = os.read(self._fd, self._size)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""  # EIO: nobody has the terminal open any more.
        if not data:
            self.close()
            return 0
        self._size = _LARGEST_READ if len(data) == self._size else _SMALLEST_READ
        for sink in self._sinks:
            sink.write(self.stream, data)
        return len(data)

    def _full(self) -> bool:
        return any(sink.full for sink in self._sinks)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove(self._fd)


def _nothing() -> None:
    """Before `start`."""
