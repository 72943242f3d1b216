"""The shim process: ttrpc connections -> calls of the task -> answers; and when it may end."""

import os
import socket

from boxship.model import errors
from boxship.shim.events import Publisher
from boxship.shim.loop import READ, WRITE, Loop
from boxship.shim.messages import REQUESTS, RESPONSES, TASK_SERVICE
from boxship.shim.sinks import Backlog
from boxship.shim.task import Exists, Task
from boxship.wire import ttrpc
from boxship.wire.protobuf import Malformed, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Value = Any

# A shim that nobody talks to, and that has no container, is left over from a crash.
UNUSED_SECONDS = 60.0
_LAST_WHILE_SECONDS = 10.0
_TICK_SECONDS = 0.02
_MOST_UNREAD = 16 << 20

_CODES = {
    errors.Invalid: ttrpc.INVALID_ARGUMENT,
    errors.NotFound: ttrpc.NOT_FOUND,
    Exists: ttrpc.ALREADY_EXISTS,
    errors.Conflict: ttrpc.FAILED_PRECONDITION,
    errors.Forbidden: ttrpc.PERMISSION_DENIED,
    errors.Unsupported: ttrpc.UNIMPLEMENTED,
    errors.Unavailable: ttrpc.UNAVAILABLE,
}


def code_of(error: Exception) -> int:
    """The gRPC code of an error; UNKNOWN is what containerd's shim gives for a failing runtime."""
    return _CODES.get(type(error), ttrpc.UNKNOWN)  # type: ignore[arg-type]


class Server:
    """Serves one task to any number of connections."""

    def __init__(
        self, loop: Loop, listener: socket.socket, task: Task, publisher: Publisher
    ) -> None:
        """Listen; each connection may ask anything at any time."""
        self._loop = loop
        self._listener = listener
        self._task = task
        self._publisher = publisher
        self._connections: set[Connection] = set()
        self._leaving = False
        listener.setblocking(False)
        loop.add(listener.fileno(), self._on_connection)
        task.on_shutdown = self._leave
        loop.later(UNUSED_SECONDS, self._leave_if_unused)

    def call(self, request: ttrpc.Request, answer: "Callable[[bytes], None]") -> None:
        """Carry out one request; `answer` takes the message to send back, now or later."""
        stream = request.stream

        def done(value: "Value", error: Exception | None) -> None:
            answer(_message(stream, request.method, value, error))

        try:
            value = self._task.call(request.method, _fields_of(request))
        except Exception as error:  # noqa: BLE001 - every failure is an answer
            done(None, error)
            return
        if isinstance(value, dict):
            done(value, None)
        else:
            self._loop.spawn(value, done)

    def close(self) -> None:
        """Hang up on everyone."""
        for connection in list(self._connections):
            connection.drop()

    def forget(self, connection: "Connection") -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def _on_connection(self, _events: int) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                break
            accepted.setblocking(False)
            self._connections.add(Connection(self._loop, accepted, self))
        self._publisher.poke()

    def _leave(self) -> None:
        if not self._leaving:
            self._leaving = True
            self._loop.later(_LAST_WHILE_SECONDS, self._loop.stop)
            self._loop.later(0, self._leave_when_idle)

    def _leave_when_idle(self) -> None:
        writing = any(connection.busy for connection in self._connections)
        if writing or self._task.busy or not self._publisher.idle:
            self._loop.later(_TICK_SECONDS, self._leave_when_idle)
        else:
            self._loop.stop()

    def _leave_if_unused(self) -> None:
        if self._task.empty and not self._connections:
            self._leave()
        self._loop.later(UNUSED_SECONDS, self._leave_if_unused)


def _fields_of(request: ttrpc.Request) -> "dict[str, Any]":
    if request.service != TASK_SERVICE or request.method not in REQUESTS:
        name = f"{request.service}/{request.method}"
        raise errors.Unsupported(f"method {name} is not one of this shim's")
    return decode(REQUESTS[request.method], request.payload)


def _message(stream: int, method: str, value: "Value", error: Exception | None) -> bytes:
    if error is None:
        return ttrpc.encode_response(stream, encode(RESPONSES[method], value))
    if isinstance(error, Malformed):
        return ttrpc.encode_error(stream, ttrpc.INVALID_ARGUMENT, f"malformed request: {error}")
    return ttrpc.encode_error(stream, code_of(error), str(error) or type(error).__name__)


class Connection:
    """One client of the Task API: the supervisor, or the next one."""

    def __init__(self, loop: Loop, connection: socket.socket, server: Server) -> None:
        """Own `connection`."""
        self._loop = loop
        self._socket = connection
        self._server = server
        self._decoder = ttrpc.Decoder()
        self._backlog = Backlog()
        self._writing = False
        loop.add(connection.fileno(), self._on_ready)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._backlog.size > 0

    def _on_ready(self, events: int) -> None:
        if events & ~WRITE:
            self._receive()
        if events & WRITE:
            self._flush()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(64 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop()
            return
        for message in self._decoder.feed(data):
            if isinstance(message, ttrpc.Request):
                self._server.call(message, self._answer)
            elif isinstance(message, ttrpc.Refused):
                self._answer(ttrpc.encode_error(message.stream, message.code, message.message))

    def _answer(self, message: bytes) -> None:
        # The client may have gone while it waited: what it asked for was done all the same.
        if self._socket.fileno() < 0:
            return
        self._backlog.append(message)
        if self._backlog.size > _MOST_UNREAD:
            self.drop()
        else:
            self._flush()

    def _flush(self) -> None:
        if self._socket.fileno() < 0:
            return
        try:
            self._backlog.send(self._socket.send)
        except OSError:
            self.drop()
            return
        if self._writing != self.busy:
            self._writing = self.busy
            self._loop.change(self._socket.fileno(), READ | WRITE if self.busy else READ)

    def drop(self) -> None:
        """Hang up."""
        if self._socket.fileno() >= 0:
            self._loop.remove(self._socket.fileno())
            self._socket.close()
            self._backlog.clear()
            self._server.forget(self)


def serve(listener: socket.socket, request: "dict[str, Any]") -> None:
    """The life of a shim: from its birth by the zygote to the end of its container."""
    loop = Loop()
    publisher = Publisher(loop, request.get("events", ""), request["namespace"])
    task = Task(loop, request["id"], request["namespace"], publisher)
    path = f"{request['bundle']}/shim.sock"
    Server(loop, listener, task, publisher)
    loop.run()
    try:
        os.unlink(path)
    except OSError:
        return
