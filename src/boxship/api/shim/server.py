"""Answers ttrpc calls: the socket at which shims report events.

handlers   (service, method) -> what answers it: payload in, payload out
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from boxship.api.shim import events_forward_pb2
from boxship.api.shim.client import CallFailed
from boxship.wire import ttrpc

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from boxship.api.containerd.event_pb2 import Envelope

    Handlers = Mapping[tuple[str, str], Callable[[bytes], Awaitable[bytes]]]

log = logging.getLogger(__name__)

FORWARD = ("containerd.services.events.ttrpc.v1.Events", "Forward")


def events_handlers(take: "Callable[[Envelope], None]") -> "Handlers":
    """The Events service: `take` gets every envelope that a shim forwards."""

    async def forward(payload: bytes) -> bytes:
        take(events_forward_pb2.ForwardRequest.FromString(payload).envelope)
        return b""

    return {FORWARD: forward}


class _Peer(asyncio.Protocol):
    """One connection, the answering side; calls are answered in the order that they finish."""

    def __init__(self, server: "TtrpcServer") -> None:
        self._server = server
        self._decoder = ttrpc.Decoder()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.peers.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._server.peers.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        for message in self._decoder.feed(data):
            if isinstance(message, ttrpc.Request):
                self._server.spawn(self._answer(message))
            elif isinstance(message, ttrpc.Refused) and message.kind == ttrpc.REQUEST:
                self._write(ttrpc.encode_error(message.stream, message.code, message.message))

    async def _answer(self, request: ttrpc.Request) -> None:
        handler = self._server.handlers.get((request.service, request.method))
        if handler is None:
            text = f"/{request.service}/{request.method} is not served here"
            self._write(ttrpc.encode_error(request.stream, ttrpc.UNIMPLEMENTED, text))
            return
        try:
            answer = await handler(request.payload)
        except CallFailed as error:
            reply = ttrpc.encode_error(request.stream, error.code, str(error))
        except Exception as error:  # the peer must hear of any failure
            log.exception("%s/%s failed", request.service, request.method)
            reply = ttrpc.encode_error(request.stream, ttrpc.INTERNAL, str(error))
        else:
            reply = ttrpc.encode_response(request.stream, answer)
        self._write(reply)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class TtrpcServer:
    """Serves `handlers` on a listening unix socket."""

    def __init__(self, handlers: "Handlers") -> None:
        """Nothing listens until `start`."""
        self.handlers = handlers
        self.peers: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, sock: "socket.socket") -> None:
        """Accept on a bound socket, which becomes the server's."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Peer(self), sock=sock, backlog=1024)

    def spawn(self, coroutine: "Coroutine[None, None, None]") -> None:
        """Run one answer; kept so that it is not collected half way."""
        answer = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(answer)
        answer.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop accepting, hang up on everyone."""
        if self._server is not None:
            self._server.close()
        for transport in list(self.peers):
            transport.close()
        for answer in list(self._tasks):
            answer.cancel()
