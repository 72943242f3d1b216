from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
import uvloop

from boxship.network.ports import Reservation, bind
from boxship.network.relay import Relay
from boxship.network.values import Published

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

PATIENCE_S = 5


@contextlib.asynccontextmanager
async def relayed(protocol: str, target_port: int) -> AsyncIterator[int]:
    """A relay on ::1 to 127.0.0.1:target_port; its port."""
    probe = Published(target_port, protocol, "::1", 0)
    with bind(probe) as listener:
        port = listener.getsockname()[1]
        relay = Relay(Reservation(probe, listener), "127.0.0.1")
        try:
            yield port
        finally:
            relay.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_each_side_may_end_before_the_other(run: object) -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            async with relayed("tcp", server.getsockname()[1]) as port:
                reader, writer = await asyncio.open_connection("::1", port)
                writer.write(b"question")
                writer.write_eof()
                connection, _ = await asyncio.to_thread(server.accept)
                with connection:
                    assert await asyncio.to_thread(_read_all, connection) == b"question"
                    connection.sendall(b"answer")  # after the end of the other direction
                assert await reader.read() == b"answer"
                writer.close()

    _play(run, story())


def test_a_container_that_does_not_listen_ends_the_connection() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            closed = server.getsockname()[1]
        async with relayed("tcp", closed) as port:
            reader, writer = await asyncio.open_connection("::1", port)
            assert await reader.read() == b""
            writer.close()

    _play(asyncio.run, story())


def test_a_reader_that_is_slow_stops_the_sender() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            async with relayed("tcp", server.getsockname()[1]) as port:
                _reader, writer = await asyncio.open_connection("::1", port)
                connection, _ = await asyncio.to_thread(server.accept)
                with connection, pytest.raises(TimeoutError):
                    await _write_until_it_waits(writer)
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    _play(asyncio.run, story())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_datagrams_find_their_client_again(run: object) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.setblocking(False)
            async with relayed("udp", server.getsockname()[1]) as port:
                clients = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
                for number, client in enumerate(clients):
                    client.setblocking(False)
                    client.connect(("::1", port))
                    client.send(b"%d" % number)
                for _ in clients:
                    while True:
                        try:
                            data, peer = server.recvfrom(100)
                            break
                        except BlockingIOError:
                            await asyncio.sleep(0)
                    server.sendto(b"to " + data, peer)
                for number, client in enumerate(clients):
                    assert await loop.sock_recv(client, 100) == b"to %d" % number
                    client.close()

    _play(run, story())


async def _write_until_it_waits(writer: asyncio.StreamWriter) -> None:
    """Nobody reads: the buffers of kernel and relay fill, and then there is a limit."""
    async with asyncio.timeout(0.5):
        while True:
            writer.write(bytes(1 << 20))
            await writer.drain()


def _read_all(connection: socket.socket) -> bytes:
    connection.settimeout(PATIENCE_S)
    return b"".join(iter(lambda: connection.recv(100), b""))


def _play(run: object, story: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await story

    assert callable(run)
    run(bounded())
