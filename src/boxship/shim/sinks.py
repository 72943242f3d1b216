"""Where output goes: the log, a FIFO of a containerd client, a file.  Clients: attach.py."""

import os
import stat
import time
from collections import deque

from boxship.logs.json_file import Writer
from boxship.shim.loop import WRITE, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Sink(Protocol):
        """Takes output; while `full`, whoever produces it waits."""

        @property
        def full(self) -> bool:
            """Whether more had better not be written now."""
            ...

        def write(self, stream: int, data: bytes) -> None:
            """Take all of `data`."""
            ...

        def end(self) -> None:
            """No more will come: deliver what is held, then let go."""
            ...


# A reader that does not read holds the process up when so much waits for it.
MOST_HELD = 1 << 20


class Backlog:
    """Bytes that wait for a descriptor to take them."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._pieces: deque[bytes | memoryview] = deque()
        self.size = 0

    def append(self, data: bytes) -> None:
        """Wait in line."""
        self._pieces.append(data)
        self.size += len(data)

    def send(self, write: "Callable[[bytes | memoryview], int]") -> None:
        """Write until the line is empty or the other end is full; its errors are the caller's."""
        while self._pieces:
            piece = self._pieces[0]
            try:
                done = write(piece)
            except BlockingIOError:
                return
            self.size -= done
            if done == len(piece):
                self._pieces.popleft()
            else:
                self._pieces[0] = memoryview(piece)[done:]

    def clear(self) -> None:
        """Forget all."""
        self._pieces.clear()
        self.size = 0


class LogSink:
    """The container's log.  A disk that is full costs lines, never the container."""

    full = False

    def __init__(self, writer: Writer) -> None:
        """Take over `writer`."""
        self._writer: Writer | None = writer

    def write(self, stream: int, data: bytes) -> None:
        """Log `data` with the time of now."""
        if self._writer is not None:
            try:
                self._writer.write(stream, data, time.time_ns())
            except OSError:
                return

    def end(self) -> None:
        """Log the unfinished lines, and close."""
        if self._writer is not None:
            try:
                for stream in (1, 2):
                    self._writer.end(stream, time.time_ns())
            except OSError:
                pass
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class PathSink:
    """One stream into a FIFO that a client has made, or appended to a file."""

    def __init__(self, loop: Loop, path: str, on_room: "Callable[[], None]") -> None:
        """Open `path`; `on_room` is called when it is no longer full."""
        self._loop = loop
        self._on_room = on_room
        self._backlog = Backlog()
        self._ending = False
        # Reading and writing: an open for writing alone would wait for a reader, and a client that
        # goes and comes back (a daemon's restart) must not break the pipe meanwhile.
        is_fifo = os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)
        append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        flags = os.O_RDWR | os.O_NONBLOCK if is_fifo else append
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o640)

    @property
    def full(self) -> bool:
        """Whether the reader is far behind."""
        return self._backlog.size >= MOST_HELD

    @property
    def busy(self) -> bool:
        """Whether the reader does not have all yet."""
        return self._backlog.size > 0

    def write(self, _stream: int, data: bytes) -> None:
        """Write, or hold what does not fit."""
        waiting = self._backlog.size > 0
        self._backlog.append(data)
        if not waiting:
            self._flush()
            if self._backlog.size:
                self._loop.add(self._fd, self._on_writable, WRITE)

    def end(self) -> None:
        """Close as soon as the reader has all."""
        self._ending = True
        if not self._backlog.size:
            self.close()

    def close(self) -> None:
        """Close; what is held is lost."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._loop.remove(fd)
            os.close(fd)
            self._backlog.clear()

    def _on_writable(self, _events: int) -> None:
        was_full = self.full
        self._flush()
        if not self._backlog.size:
            self._loop.remove(self._fd)
            if self._ending:
                self.close()
        if was_full and not self.full:
            self._on_room()

    def _flush(self) -> None:
        try:
            self._backlog.send(lambda piece: os.write(self._fd, piece))
        except OSError:
            self._backlog.clear()
