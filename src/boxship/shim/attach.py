r"""Attach clients: whoever watches a process, and types to it, over a unix socket.

    client                                   shim
    {"stdin":true,"stdout":true,...}\n  ──▶
    bytes                               ──▶  standard input
    (shutdown of writing)               ──▶  end of it, if "close_stdin"
                                        ◀──  terminal: bytes; else frames of stdout and stderr
                                        ◀──  end: the process has ended and this was all

A client that reads slowly holds the process up once a megabyte waits for it.  One that goes is
dropped at once.
"""

import contextlib
import json
import os
import select
import socket

from boxship.shim.loop import READ, WRITE, Loop
from boxship.shim.sinks import MOST_HELD, Backlog
from boxship.wire import stdio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.shim.stdin import Stdin

_LONGEST_HEADER = 4096
_HEADER_SECONDS = 0.5
_STREAM_NAMES = {1: "stdout", 2: "stderr"}
# sockaddr_un holds 107 bytes of path; a longer one is reached through its directory's descriptor.
_LONGEST_PATH = 107


class Attach:
    """The listening socket of one process, and its clients; as a sink, all of them at once."""

    def __init__(self, loop: Loop, path: str, *, terminal: bool) -> None:
        """Listen at `path`; `stdin` is set as soon as the process has one."""
        self._loop = loop
        self._path = path
        self._terminal = terminal
        self._clients: list[_Client] = []
        self._ended = False
        self._listener = _listen(path)
        self.stdin: Stdin | None = None
        self.on_room: Callable[[], None] = _nothing
        loop.add(self._listener.fileno(), self._on_connection)

    @property
    def full(self) -> bool:
        """Whether some client is a megabyte behind."""
        return any(client.behind for client in self._clients)

    def write(self, stream: int, data: bytes) -> None:
        """Give `data` to every client that wants the stream."""
        if self._clients:
            piece = data if self._terminal else stdio.encode(stream, data)
            for client in list(self._clients):
                client.write(_STREAM_NAMES[stream], piece)

    def accept_waiting(self) -> None:
        """Take the clients that have connected so far, with their headers: they miss nothing."""
        self._on_connection(READ)
        for client in list(self._clients):
            client.read_header_now()

    def end(self) -> None:
        """No more output: let each client go when it has all; later ones go at once."""
        self._ended = True
        for client in list(self._clients):
            client.end()

    @property
    def idle(self) -> bool:
        """Whether no client is left."""
        return not self._clients

    def retire(self) -> None:
        """Take no more clients, and let those go that are here."""
        self.end()
        if self._listener.fileno() >= 0:
            self._loop.remove(self._listener.fileno())
            self._listener.close()
            _unlink(self._path)

    def drop_all(self) -> None:
        """Enough waited."""
        for client in list(self._clients):
            client.drop()

    def forget(self, client: "_Client") -> None:
        """A client is gone."""
        if client in self._clients:
            self._clients.remove(client)
            self.on_room()

    def _on_connection(self, _events: int) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setblocking(False)
            client = _Client(self._loop, connection, self)
            self._clients.append(client)
            if self._ended:
                client.end()


class _Client:
    """One connection."""

    def __init__(self, loop: Loop, connection: socket.socket, attach: Attach) -> None:
        self._loop = loop
        self._socket = connection
        self._attach = attach
        self._header = b""
        self._wants: dict[str, bool] | None = None
        self._backlog = Backlog()
        self._reading = True
        self._ending = False
        self._events = READ
        loop.add(connection.fileno(), self._on_ready)

    @property
    def behind(self) -> bool:
        return self._backlog.size >= MOST_HELD

    def write(self, stream: str, piece: bytes) -> None:
        if self._wants is not None and self._wants.get(stream):
            self._backlog.append(piece)
            self._flush()

    def end(self) -> None:
        self._ending = True
        self._flush()

    def drop(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove(self._socket.fileno())
        try:
            # What the client has sent and nobody reads would turn its end of file into an error.
            self._socket.shutdown(socket.SHUT_RDWR)
            while self._socket.recv(64 * 1024):
                pass
        except OSError:
            pass
        self._socket.close()
        self._backlog.clear()
        self._attach.forget(self)

    def read_header_now(self) -> None:
        waiting = select.poll()
        waiting.register(self._socket.fileno(), READ)
        while self._wants is None and waiting.poll(_HEADER_SECONDS * 1000):
            self._receive()
            if self._socket.fileno() < 0:
                return

    def _on_ready(self, events: int) -> None:
        if events & (select.EPOLLERR | select.EPOLLHUP):
            self._gone()
            return
        if events & READ:
            self._receive()
        if events & WRITE and self._socket.fileno() >= 0:
            was_behind = self.behind
            self._flush()
            if was_behind and not self.behind:
                self._attach.on_room()

    def _gone(self) -> None:
        # What it sent before it went still counts.
        try:
            while data := self._socket.recv(64 * 1024):
                self._take(data)
        except OSError:
            pass
        self._half_closed()
        self.drop()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(64 * 1024)
        except BlockingIOError:
            return
        except OSError:
            self.drop()
            return
        if data:
            self._take(data)
        else:
            self._half_closed()

    def _take(self, data: bytes) -> None:
        if self._wants is None:
            self._read_header(data)
        else:
            self._give(data)

    def _read_header(self, data: bytes) -> None:
        line, newline, rest = (self._header + data).partition(b"\n")
        if not newline:
            self._header = line
            if len(line) > _LONGEST_HEADER:
                self.drop()
            return
        try:
            wants = json.loads(line)
            self._wants = {name: bool(wanted) for name, wanted in wants.items()}
        except (ValueError, AttributeError):
            self.drop()
            return
        if rest:
            self._give(rest)
        if self._ending:
            self._flush()

    def _give(self, data: bytes) -> None:
        stdin = self._attach.stdin
        if stdin is None or self._wants is None or not self._wants.get("stdin"):
            return
        stdin.write(data)
        if stdin.full:
            self._reading = False
            self._watch()
            stdin.when_room(self._go_on)

    def _go_on(self) -> None:
        self._reading = True
        self._watch()

    def _half_closed(self) -> None:
        self._reading = False
        if self._wants is None:
            self.drop()
            return
        if self._wants.get("stdin") and self._wants.get("close_stdin") and self._attach.stdin:
            self._attach.stdin.end()
        self._watch()

    def _flush(self) -> None:
        try:
            self._backlog.send(self._socket.send)
        except OSError:
            self.drop()
            return
        if self._ending and not self._backlog.size and self._wants is not None:
            self.drop()
        else:
            self._watch()

    def _watch(self) -> None:
        events = (READ if self._reading else 0) | (WRITE if self._backlog.size else 0)
        if self._socket.fileno() >= 0 and events != self._events:
            self._events = events
            self._loop.change(self._socket.fileno(), events)


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    _unlink(path)
    directory = -1
    try:
        address = path
        if len(os.fsencode(path)) > _LONGEST_PATH:
            directory = os.open(os.path.dirname(path), os.O_PATH | os.O_CLOEXEC)
            address = f"/proc/self/fd/{directory}/{os.path.basename(path)}"
        listener.bind(address)
        os.chmod(path, 0o600)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    finally:
        if directory >= 0:
            os.close(directory)
    return listener


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _nothing() -> None:
    """Nobody waits for room."""
