"""Relays: from a socket that holds a published port to the container, for what rules do not carry.

That is [::], since the containers of the default bridge have no IPv6.  Bytes pass in both
directions until each side has said its end; nothing is kept beyond one buffer a direction.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from boxship.network.ports import Reservation

log = logging.getLogger(__name__)

CHUNK = 1 << 16
CONNECT_S = 10.0
DATAGRAM = 65535
IDLE_S = 90.0  # a client of UDP that was silent so long is forgotten, as in docker-proxy
MAX_CLIENTS = 1024
ACCEPT_PAUSE_S = 0.1

Address = tuple[str, int]


class Relay:
    """One published port's relay."""

    def __init__(self, reservation: Reservation, container_ip: str) -> None:
        """Serves at once; must be made on the event loop."""
        self._listener = reservation.socket
        self._target = (container_ip, reservation.published.container_port)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: dict[object, _Client] = {}
        self._serve = {"tcp": self._accept, "udp": self._receive}.get(
            reservation.published.protocol
        )
        self._watch()

    def close(self) -> None:
        """Serve no more and end what is under way; the socket stays its owner's."""
        if self._serve is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._serve = None
        for task in list(self._tasks):
            task.cancel()
        for client in list(self._clients.values()):
            client.close()

    def _watch(self) -> None:
        if self._serve is not None:
            self._loop.add_reader(self._listener.fileno(), self._serve)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accept(self) -> None:
        try:
            connection, _peer = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # out of descriptors: try again when some may be free
            log.warning("relay to %s: %s", self._target, error)
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(ACCEPT_PAUSE_S, self._watch)
            return
        self._spawn(_relay_stream(connection, self._target))

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            data, peer = self._listener.recvfrom(DATAGRAM)
            self._client(peer).send(data)

    def _client(self, peer: Address) -> _Client:
        if peer not in self._clients:
            if len(self._clients) >= MAX_CLIENTS:  # the one that has been silent longest
                min(self._clients.values(), key=lambda each: each.heard).close()
            client = _Client(self._listener, peer, self._target, self._clients.pop)
            self._clients[peer] = client
        return self._clients[peer]


class _Client:
    """One client of a UDP port: a socket of its own towards the container."""

    def __init__(
        self,
        listener: socket.socket,
        peer: Address,
        target: Address,
        gone: Callable[[object, None], object],
    ) -> None:
        self._listener, self._peer, self._gone = listener, peer, gone
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.connect(target)
        self._loop.add_reader(self._socket.fileno(), self._answer)
        self.heard = self._loop.time()
        self._timer = self._loop.call_later(IDLE_S, self._expire)

    def send(self, data: bytes) -> None:
        """One datagram to the container; lost if it cannot take it, as on any wire."""
        self.heard = self._loop.time()
        with contextlib.suppress(OSError):
            self._socket.send(data)

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            data = self._socket.recv(DATAGRAM)
            self.heard = self._loop.time()
            self._listener.sendto(data, self._peer)

    def _expire(self) -> None:
        left = self.heard + IDLE_S - self._loop.time()
        if left <= 0:
            self.close()
        else:
            self._timer = self._loop.call_later(left, self._expire)

    def close(self) -> None:
        """Forget the client."""
        self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._gone(self._peer, None)


async def _relay_stream(connection: socket.socket, target: Address) -> None:
    """Join a connection to one to `target`; an end on one side is passed on to the other."""
    client_reader, client = await asyncio.open_connection(sock=connection, limit=CHUNK)
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, container = await asyncio.open_connection(*target, limit=CHUNK)
    except (OSError, TimeoutError):
        client.transport.abort()
        return
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(client_reader, container))
            both.create_task(_copy(reader, client))
    except* OSError:
        client.transport.abort()
        container.transport.abort()
    finally:
        client.close()
        container.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
