"""attach over a websocket: the same streams, raw, in binary messages; for browsers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from boxship.daemon.channel import ByteChannel
from boxship.wire import stdio

if TYPE_CHECKING:
    from boxship.daemon.request import Request


class SocketChannel(ByteChannel):
    """A websocket as a ByteChannel.  Frames of stdio are taken off: both streams are one."""

    def __init__(self, socket: web.WebSocketResponse, *, framed: bool) -> None:
        """`framed`: what is written has frames, since there is no terminal."""
        self._socket = socket
        self._frames = stdio.Decoder() if framed else None
        self.closed = asyncio.Event()

    async def read(self) -> bytes:
        """The next message; b"" when the client closed."""
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                return bytes(message.data)
            if message.type is WSMsgType.TEXT:
                return str(message.data).encode()
        self.closed.set()
        return b""

    async def write(self, data: bytes) -> None:
        """Send as one message."""
        if self._frames is not None:
            data = b"".join(payload for _, payload in self._frames.feed(data))
        if data:
            await self._socket.send_bytes(data)

    def write_eof(self) -> None:
        """A websocket has no half."""

    def close(self) -> None:
        """The route closes it."""


async def accept(request: Request, *, framed: bool) -> tuple[web.WebSocketResponse, SocketChannel]:
    """Do the handshake."""
    socket = web.WebSocketResponse()
    await socket.prepare(request.http)
    return socket, SocketChannel(socket, framed=framed)
