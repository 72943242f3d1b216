"""Streams by FIFOs, as a real containerd's shim has them: the daemon reads, logs and passes on.

A client that does not read holds the process up once a mebibyte waits for it.
"""

from __future__ import annotations

import asyncio
import os
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.daemon.stdio import CHUNK, KEY_DIGITS
from boxship.daemon.tasks import Stdio
from boxship.logs.json_file import Writer
from boxship.wire import stdio as frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.daemon.stdio import LogTarget, Streams, Wanted

WAITING = 1 << 20
LAST_READS = 64  # of an ended process: what fits into a FIFO, whoever still writes into it


class FifoIO:
    """The FIFOs of all processes behind a foreign shim, each set in a folder of its own."""

    def __init__(self, folder: str) -> None:
        """FIFOs are in `folder`."""
        self._folder = folder
        self._processes: dict[str, _Process] = {}

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key[:KEY_DIGITS]}"

    def make(self, key: str, *, terminal: bool, stdin: bool, log: LogTarget) -> Stdio:
        """See ProcessIO."""
        path = self._path(key)
        os.makedirs(path, mode=0o700, exist_ok=True)
        names = ["stdout"] if terminal else ["stdout", "stderr"]
        names += ["stdin"] if stdin or terminal else []
        for name in names:
            with suppress(FileExistsError):
                os.mkfifo(f"{path}/{name}", 0o600)
        self.take_up(key, terminal=terminal, stdin=stdin, log=log)
        paths = {name: f"{path}/{name}" for name in names}
        return Stdio(**paths, terminal=terminal)

    def take_up(self, key: str, *, terminal: bool, stdin: bool, log: LogTarget) -> None:
        """See ProcessIO."""
        if key not in self._processes and os.path.isdir(self._path(key)):
            self._processes[key] = _Process(self._path(key), terminal, log)

    async def attach(self, key: str, wanted: Wanted) -> Streams:
        """See ProcessIO."""
        process = self._processes.get(key)
        if process is None:
            raise FileNotFoundError(self._path(key))
        return process.attach(wanted)

    def drop(self, key: str) -> None:
        """See ProcessIO: what is still in the FIFOs is read first."""
        process = self._processes.pop(key, None)
        if process is not None:
            process.close()
        self._remove(self._path(key))

    def is_kept(self, key: str) -> bool:
        """See ProcessIO: the streams are ours."""
        return True

    def sweep(self, living: Iterable[str]) -> None:
        """See ProcessIO."""
        kept = {key[:KEY_DIGITS] for key in living}
        if os.path.isdir(self._folder):
            for name in os.listdir(self._folder):
                if name not in kept:
                    self._remove(f"{self._folder}/{name}")

    def _remove(self, path: str) -> None:
        for name in ("stdin", "stdout", "stderr"):
            with suppress(FileNotFoundError):
                os.unlink(f"{path}/{name}")
        with suppress(OSError):
            os.rmdir(path)


class _Process:
    """The daemon's side of one process' FIFOs."""

    def __init__(self, path: str, terminal: bool, log: LogTarget) -> None:
        self._loop = asyncio.get_running_loop()
        self._terminal = terminal
        self._writer = (
            Writer(log.path, max_size=log.max_size, max_file=log.max_file) if log.path else None
        )
        self._clients: set[_Client] = set()
        self._stdin = _opened(f"{path}/stdin", os.O_RDWR)
        self._roomy: asyncio.Future[None] | None = None  # when stdin takes more
        self._outputs: dict[int, int] = {}  # descriptor -> stream
        for stream, name in ((1, "stdout"), (2, "stderr")):
            fd = _opened(f"{path}/{name}", os.O_RDONLY)
            if fd is not None:
                self._outputs[fd] = stream
                self._loop.add_reader(fd, self._readable, fd)

    def attach(self, wanted: Wanted) -> _Client:
        client = _Client(self, wanted)
        self._clients.add(client)
        if not self._outputs:
            client.feed_eof()
        return client

    def detach(self, client: _Client) -> None:
        self._clients.discard(client)
        self.resume()

    def resume(self) -> None:
        if not any(c.waiting > WAITING for c in self._clients):
            for fd in self._outputs:
                self._loop.add_reader(fd, self._readable, fd)

    def _readable(self, fd: int) -> None:
        if not self._read(fd):
            self._end(fd)
        elif any(c.waiting > WAITING for c in self._clients):
            for output in self._outputs:
                self._loop.remove_reader(output)

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        stream = self._outputs[fd]
        if self._writer is not None:
            with suppress(OSError):  # a disk that is full costs lines, never the container
                self._writer.write(stream, data, time.time_ns())
        piece = data if self._terminal else frames.encode(stream, data)
        for client in self._clients:
            client.feed(stream, piece)
        return True

    def _end(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        stream = self._outputs.pop(fd)
        os.close(fd)
        if self._writer is not None:
            with suppress(OSError):
                self._writer.end(stream, time.time_ns())
        if not self._outputs:
            for client in self._clients:
                client.feed_eof()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._stdin is not None:
            try:
                view = view[os.write(self._stdin, view) :]
            except BlockingIOError:
                await self._room(self._stdin)
            except OSError:
                return

    async def _room(self, fd: int) -> None:
        """Wait with all other clients: a loop knows one callback for a descriptor."""
        if self._roomy is None:
            self._roomy = self._loop.create_future()
            self._loop.add_writer(fd, self._has_room)
        await asyncio.shield(self._roomy)

    def _has_room(self) -> None:
        roomy, self._roomy = self._roomy, None
        if self._stdin is not None:
            self._loop.remove_writer(self._stdin)
        if roomy is not None:
            roomy.set_result(None)

    def close_stdin(self) -> None:
        if self._stdin is not None:
            self._has_room()  # who waits finds it closed
            os.close(self._stdin)
            self._stdin = None

    def close(self) -> None:
        for fd in list(self._outputs):
            with suppress(OSError):
                for _ in range(LAST_READS):
                    if not (_ready(fd) and self._read(fd)):
                        break
            self._end(fd)
        self.close_stdin()


def _ready(fd: int) -> bool:
    waiting = select.poll()  # select(2) knows no descriptor above 1023
    waiting.register(fd, select.POLLIN)
    return bool(waiting.poll(0))


def _opened(path: str, flags: int) -> int | None:
    try:
        return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


class _Client:
    """Streams of one attached client."""

    def __init__(self, process: _Process, wanted: Wanted) -> None:
        self._process = process
        self._wanted = wanted
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.waiting = 0

    def feed(self, stream: int, piece: bytes) -> None:
        if self._wanted.stdout if stream == 1 else self._wanted.stderr:
            self.waiting += len(piece)
            self._pieces.put_nowait(piece)

    def feed_eof(self) -> None:
        self._pieces.put_nowait(b"")

    async def read(self) -> bytes:
        piece = await self._pieces.get()
        full = self.waiting > WAITING
        self.waiting -= len(piece)
        if full and self.waiting <= WAITING:
            self._process.resume()
        return piece

    async def write(self, data: bytes) -> None:
        if self._wanted.stdin:
            await self._process.write(data)

    def write_eof(self) -> None:
        if self._wanted.close_stdin:
            self._process.close_stdin()

    def close(self) -> None:
        self._process.detach(self)
