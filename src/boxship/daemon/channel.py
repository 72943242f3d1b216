"""ByteChannel: a connection taken over from HTTP, raw bytes both ways.

client                                daemon
POST /containers/x/attach ─────────▶
Upgrade: tcp              ◀─────────  101 UPGRADED   (200 OK to a client that asks for no upgrade)
bytes of stdin            ─────────▶  read()         frames of stdout and stderr, or a raw terminal
FIN                       ─────────▶  read() == b""  the client has no more input; output goes on
                          ◀─────────  write(), write_eof(), close()

A client that is gone for good looks like one that ended its input: the kernel's hang-up tells them
apart on unix sockets, the next write on TCP.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from typing import TYPE_CHECKING, cast

from boxship.wire import stdio

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.connection import Connection

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
READ_AHEAD = 256 << 10


class ByteChannel(asyncio.Protocol):
    """Both directions of a hijacked connection, each with its own end and its own pace."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """A channel over `transport`, whose protocol it must become."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._input_ended = False
        self._reading = True
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._hangup: select.epoll | None = None
        self.closed = asyncio.Event()

    async def read(self) -> bytes:
        """Whatever has arrived; b"" when the client ends its input or is gone."""
        while not self._chunks:
            if self._input_ended or self.closed.is_set():
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = b"".join(self._chunks) if len(self._chunks) > 1 else self._chunks[0]
        self._chunks.clear()
        self._buffered = 0
        self._resume()
        return data

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow.  ConnectionResetError when it is gone."""
        if self.closed.is_set() or self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    def write_eof(self) -> None:
        """No more output; input may go on."""
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def close(self) -> None:
        """Send what is written and close."""
        self._forget_hangup()
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Keep what arrives; a client that is faster than the container is held back."""
        self._chunks.append(data)
        self._buffered += len(data)
        self._arrived.set()
        if self._buffered > READ_AHEAD and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client's input ended; the other direction stays open, and its hang-up is awaited."""
        self._input_ended = True
        self._arrived.set()
        self._watch_hangup()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._forget_hangup()
        self.closed.set()
        self._arrived.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The transport's buffer has room."""
        self._writable.set()

    def _resume(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    def _watch_hangup(self) -> None:
        """Wait for EPOLLHUP alone: an epoll of its own that asks for no event reports only that."""
        sock = self._transport.get_extra_info("socket")
        if self._hangup is not None or sock is None:
            return
        self._hangup = select.epoll()
        self._hangup.register(sock.fileno(), 0)
        self._loop.add_reader(self._hangup.fileno(), self._hung_up)

    def _hung_up(self) -> None:
        self._forget_hangup()
        self._transport.abort()

    def _forget_hangup(self) -> None:
        if self._hangup is not None:
            self._loop.remove_reader(self._hangup.fileno())
            self._hangup.close()
            self._hangup = None


def wants_upgrade(http: web.BaseRequest) -> bool:
    """Whether the client asks for 101 rather than 200."""
    return bool(http.headers.get("Upgrade"))


def hijack(http: web.BaseRequest, content_type: str, extra: str = "") -> ByteChannel:
    """Take the connection over from HTTP; nothing of HTTP is sent on it any more."""
    transport = cast("asyncio.Transport", http.transport)
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client has gone")
    if wants_upgrade(http):
        head = (
            f"HTTP/1.1 101 UPGRADED\r\nContent-Type: {content_type}\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\n{extra}\r\n"
        )
    else:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{extra}\r\n"
    channel = ByteChannel(transport)
    early, ended = cast("Connection", http.protocol).surrender()
    transport.set_protocol(channel)
    transport.write(head.encode())
    if early:
        channel.data_received(early)
    if ended:
        channel.eof_received()
    return channel


async def tell(channel: ByteChannel, text: str, *, framed: bool) -> None:
    """The connection is a program's stdio already: an error goes to its stdout, as in Docker."""
    line = f"{text}\r\n".encode()
    try:
        await channel.write(stdio.encode(stdio.STDOUT, line) if framed else line)
    except ConnectionError:
        return


def release(http: web.BaseRequest) -> None:
    """After the last byte: close the connection and let the HTTP server forget it."""
    protocol = http.protocol
    protocol.force_close()
    asyncio.get_running_loop().call_soon(protocol.connection_lost, None)
