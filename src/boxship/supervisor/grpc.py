"""A gRPC server on grpclib's HTTP/2: what clients in Go need in form, and no more per call.

    client                          server
    HEADERS :path, timeout   ────▶
    DATA    5 + message      ────▶  one method of a service
                             ◀────  HEADERS :status 200, application/grpc
                             ◀────  DATA, once or many times
                             ◀────  HEADERS grpc-status            (trailers)

An error before the first message is one HEADERS frame with status, type and grpc-status.
"""

import asyncio
import struct
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import h2.config
from google.protobuf import message_factory
from google.protobuf.message import DecodeError
from grpclib.config import Configuration
from grpclib.protocol import AbstractHandler
from h2.exceptions import ProtocolError

from boxship.api.containerd.turns import TurnProtocol
from boxship.api.shim.client import CallFailed
from boxship.model.errors import Conflict, Invalid
from boxship.supervisor.identifiers import check_identifier
from boxship.supervisor.status import status_of
from boxship.wire import ttrpc

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from google.protobuf.descriptor import ServiceDescriptor
    from google.protobuf.message import Message
    from grpclib.protocol import Stream

MAX_MESSAGE = 16 << 20  # containerd's default, both ways
MAX_TEXT = 16 << 10  # of an error: it travels in a header
PREFIX = struct.Struct(">BI")  # compressed?, length

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
OK_TRAILERS = [("grpc-status", "0")]
SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class Call:
    """What came with a request besides its message."""

    __slots__ = ("headers",)

    def __init__(self, headers: "Mapping[str, str]") -> None:
        """`headers` as HTTP/2 carried them, names in lower case."""
        self.headers = headers

    @property
    def namespace(self) -> str:
        """The containerd namespace that the client works in; without one it is refused."""
        name = self.headers.get("containerd-namespace", "")
        if not name:
            raise Conflict("namespace is required")
        try:
            return check_identifier(name)
        except Invalid as error:
            raise Invalid(f"namespace validation: {error}") from error


class Service:
    """A gRPC service: `descriptor` says its methods, a subclass has one method per name.

    A unary method is `async (call, request) -> reply`, a streaming one an async generator.
    """

    descriptor: "ServiceDescriptor"


class _Method:
    """One method, ready to be called."""

    __slots__ = ("function", "request", "streams")

    def __init__(self, function: "Callable[..., Any]", request: type, *, streams: bool) -> None:
        self.function = function
        self.request = request
        self.streams = streams


def _methods(service: Service) -> "Iterable[tuple[str, _Method]]":
    for method in service.descriptor.methods:
        function = getattr(service, method.name, None)
        if function is not None:
            request = message_factory.GetMessageClass(method.input_type)
            path = f"/{service.descriptor.full_name}/{method.name}"
            yield path, _Method(function, request, streams=bool(method.server_streaming))


class GrpcServer:
    """Serves services on a unix socket."""

    def __init__(self, services: "Iterable[Service]") -> None:
        """Every other method answers UNIMPLEMENTED."""
        self._methods = {path: m for service in services for path, m in _methods(service)}
        self._names = {path.split("/")[1] for path in self._methods}
        self._server: asyncio.Server | None = None
        self._protocols: set[_Protocol] = set()
        self._config = Configuration().__for_server__()
        self._h2 = h2.config.H2Configuration(
            client_side=False,
            header_encoding="utf-8",
            validate_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_inbound_headers=False,
            normalize_outbound_headers=False,
        )

    async def start(self, sock: "socket.socket") -> None:
        """Accept on a bound socket, which becomes the server's."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._protocol, sock=sock, backlog=512)

    async def close(self) -> None:
        """Stop accepting; whatever is asked now ends with the connection."""
        if self._server is not None:
            self._server.close()
        for protocol in list(self._protocols):
            protocol.processor.close("the supervisor stops")

    def _protocol(self) -> "_Protocol":
        return _Protocol(_Calls(self), self._config, self._h2, self._protocols)

    async def answer(self, stream: "Stream", headers: "dict[str, str]") -> None:
        """Read one request, run its method, write the reply or the error."""
        try:
            async with asyncio.timeout(_timeout(headers)):
                await self._run(stream, headers)
        except (ProtocolError, ConnectionError):
            return  # the client is gone, nobody hears the rest
        except Exception as error:  # noqa: BLE001  # a border: all become a status
            await _fail(stream, *status_of(error))

    async def _run(self, stream: "Stream", headers: "dict[str, str]") -> None:
        method = self._methods.get(headers[":path"])
        if method is None:
            raise self._unimplemented(headers[":path"])
        request = await _receive(stream, method.request)
        if method.streams:
            await _send_stream(stream, method.function(Call(headers), request))
            return
        reply = await method.function(Call(headers), request)
        data = _framed(reply)
        await stream.send_headers(HEADERS)
        await stream.send_data(data)
        await stream.send_headers(OK_TRAILERS, end_stream=True)

    def _unimplemented(self, path: str) -> CallFailed:
        _, service, method = ("//" + path.strip("/")).rsplit("/", 2)
        text = f"unknown service {service}"
        if service in self._names:
            text = f"unknown method {method} for service {service}"
        return CallFailed(ttrpc.UNIMPLEMENTED, text)


class _Calls(AbstractHandler):
    """The calls under way on one connection; a client that goes away cancels its own."""

    def __init__(self, server: GrpcServer) -> None:
        self._server = server
        self._tasks: dict[Stream, asyncio.Task[None]] = {}

    def accept(
        self,
        stream: "Stream",
        headers: "list[tuple[str, str]]",
        release_stream: "Callable[[], None]",
    ) -> None:
        answer = self._answer(stream, dict(headers), release_stream)
        self._tasks[stream] = asyncio.get_running_loop().create_task(answer)

    async def _answer(
        self, stream: "Stream", headers: "dict[str, str]", release: "Callable[[], None]"
    ) -> None:
        try:
            await self._server.answer(stream, headers)
        finally:
            self._tasks.pop(stream, None)
            release()

    def cancel(self, stream: "Stream") -> None:
        answer = self._tasks.get(stream)
        if answer is not None:
            answer.cancel()

    def close(self) -> None:
        for answer in list(self._tasks.values()):
            answer.cancel()


class _Protocol(TurnProtocol):
    """A connection that its server knows."""

    def __init__(
        self,
        handler: _Calls,
        config: Configuration,
        h2_config: h2.config.H2Configuration,
        known: "set[_Protocol]",
    ) -> None:
        super().__init__(handler, config, h2_config)
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._known.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._known.discard(self)
        super().connection_lost(exc)


def _timeout(headers: "dict[str, str]") -> float | None:
    """The client's deadline in seconds, if it set one."""
    text = headers.get("grpc-timeout", "")
    if not text or not text[:-1].isdecimal() or text[-1] not in SECONDS:
        return None
    return int(text[:-1]) * SECONDS[text[-1]]


async def _receive(stream: "Stream", kind: type) -> Any:  # noqa: ANN401  # the method knows
    try:
        prefix = await stream.recv_data(PREFIX.size)
        compressed, length = PREFIX.unpack(prefix)
        if compressed:
            raise CallFailed(ttrpc.UNIMPLEMENTED, "compressed messages are not taken here")
        if length > MAX_MESSAGE:
            text = f"received message larger than max ({length} vs. {MAX_MESSAGE})"
            raise CallFailed(ttrpc.RESOURCE_EXHAUSTED, text)
        return kind.FromString(await stream.recv_data(length))  # type: ignore[attr-defined]
    except (struct.error, AssertionError, DecodeError) as error:
        raise CallFailed(ttrpc.INTERNAL, f"malformed request: {error}") from error


def _framed(message: "Message") -> bytes:
    data = message.SerializeToString()
    if len(data) > MAX_MESSAGE:
        text = f"trying to send message larger than max ({len(data)} vs. {MAX_MESSAGE})"
        raise CallFailed(ttrpc.RESOURCE_EXHAUSTED, text)
    return PREFIX.pack(0, len(data)) + data


async def _send_stream(stream: "Stream", messages: "AsyncIterator[Message]") -> None:
    """The headers go out at once: a subscriber knows then that it misses nothing more."""
    await stream.send_headers(HEADERS)
    try:
        async with aclosing(messages):  # type: ignore[type-var]  # a generator has aclose
            async for message in messages:
                await stream.send_data(_framed(message))
    except (ProtocolError, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001  # headers are out: it goes in the trailers
        await stream.send_headers(_error_trailers(*status_of(error)), end_stream=True)
        return
    await stream.send_headers(OK_TRAILERS, end_stream=True)


async def _fail(stream: "Stream", code: int, text: str) -> None:
    try:
        await stream.send_headers(HEADERS + _error_trailers(code, text), end_stream=True)
        if stream.closable:
            stream.reset_nowait()
    except (ProtocolError, ConnectionError):
        return


def _error_trailers(code: int, text: str) -> list[tuple[str, str]]:
    printable = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
    text = text.encode()[:MAX_TEXT].decode(errors="ignore")
    return [("grpc-status", str(code)), ("grpc-message", quote(text, safe=printable))]
