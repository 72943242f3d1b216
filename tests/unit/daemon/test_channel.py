"""ByteChannel: a hijacked connection, seen from the client's end of a real socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from boxship.daemon import channel as channels
from boxship.daemon.http import ApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from boxship.daemon.channel import ByteChannel
    from boxship.daemon.request import Request

UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"
UPGRADED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)
TIMEOUT_S = 10


class Served:
    """A server whose one route hands its hijacked connection to `story`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.story: Callable[[ByteChannel], Awaitable[None]]
        self.ended = asyncio.Event()
        self.server = ApiServer([("POST", "/attach", self._attach)])

    async def _attach(self, request: Request) -> web.Response:
        channel = channels.hijack(request.http, channels.RAW)
        try:
            await self.story(channel)
        finally:
            channels.release(request.http)
            self.ended.set()
        return web.Response()

    async def ask(
        self,
        story: Callable[[ByteChannel], Awaitable[None]],
        head: bytes = UPGRADE,
        tail: bytes = b"",
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        self.story = story
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(b"POST /attach HTTP/1.1\r\nHost: d\r\n" + head + b"\r\n")
        return reader, writer, await reader.readuntil(b"\r\n\r\n")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(f"{tmp_path}/api.sock")
    await served.server.listen([f"unix://{served.path}"])
    yield served
    async with asyncio.timeout(TIMEOUT_S):
        await served.ended.wait()
    assert served.server._http is not None
    async with asyncio.timeout(TIMEOUT_S):
        while served.server._http.connections:  # noqa: ASYNC110 - aiohttp tells nobody
            await asyncio.sleep(0)
    await served.server.stop()


async def _echo(channel: ByteChannel) -> None:
    while data := await channel.read():
        await channel.write(data)
    await channel.write(b"bye")


async def test_the_head_is_dockers(served: Served) -> None:
    _, writer, head = await served.ask(_echo)
    assert head == UPGRADED
    writer.close()


async def test_without_an_upgrade_the_answer_is_200_and_then_raw(served: Served) -> None:
    reader, writer, head = await served.ask(_echo, head=b"")
    assert head == b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
    writer.write(b"not HTTP at all")
    writer.write_eof()
    assert await reader.read() == b"not HTTP at allbye"
    writer.close()


async def test_output_goes_on_after_the_client_ended_its_input(served: Served) -> None:
    reader, writer, _ = await served.ask(_echo)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.write_eof()
    assert await reader.read() == b"bye"
    writer.close()


@pytest.mark.parametrize("ended", [False, True])
async def test_bytes_that_came_with_the_request_are_not_lost(served: Served, ended: bool) -> None:
    served.story = _echo
    reader, writer = await asyncio.open_unix_connection(served.path)
    writer.write(b"POST /attach HTTP/1.1\r\nHost: d\r\n" + UPGRADE + b"\r\nearly")
    if ended:
        writer.write_eof()
        assert await reader.read() == UPGRADED + b"earlybye"
    else:
        assert await reader.readexactly(len(UPGRADED) + 5) == UPGRADED + b"early"
    writer.close()


async def test_a_body_that_comes_after_its_head_is_read_before_the_stream(served: Served) -> None:
    """Docker exec sends its small body behind the head, and sometimes it arrives on its own."""
    bodies: list[bytes] = []

    async def read_body_first(request: Request) -> web.Response:
        bodies.append(await request.body())
        return await served._attach(request)

    served.server._router = ApiServer([("POST", "/attach", read_body_first)])._router
    served.story = _echo
    reader, writer = await asyncio.open_unix_connection(served.path)
    head = b"POST /attach HTTP/1.1\r\nHost: d\r\nContent-Length: 6\r\n" + UPGRADE + b"\r\n"
    for piece in (head, b"{}", b"    stdin"):
        writer.write(piece)
        await writer.drain()
        for _ in range(10):
            await asyncio.sleep(0)
    writer.write_eof()
    async with asyncio.timeout(TIMEOUT_S):
        assert await reader.readuntil(b"\r\n\r\n") == UPGRADED
        assert await reader.read() == b"stdinbye"
    assert bodies == [b"{}    "]
    writer.close()


_HEAD = b"POST /attach HTTP/1.1\r\nHost: d\r\n" + UPGRADE
_WITH_BODY = {
    "length": _HEAD + b"Content-Length: 2\r\n\r\n{}stdin",
    "chunked": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nT: x\r\n\r\nstdin",
}


@pytest.mark.parametrize("kind", _WITH_BODY)
async def test_wherever_the_request_is_cut_in_two_its_stream_begins_behind_its_body(
    served: Served, kind: str
) -> None:
    bodies: list[bytes] = []

    async def read_body_first(request: Request) -> web.Response:
        bodies.append(await request.body())
        return await served._attach(request)

    served.server._router = ApiServer([("POST", "/attach", read_body_first)])._router
    served.story = _echo
    wire = _WITH_BODY[kind]
    for cut in range(1, len(wire)):
        reader, writer = await asyncio.open_unix_connection(served.path)
        writer.write(wire[:cut])
        for _ in range(4):
            await asyncio.sleep(0)
        writer.write(wire[cut:])
        writer.write_eof()
        async with asyncio.timeout(TIMEOUT_S):
            assert await reader.read() == UPGRADED + b"stdinbye", wire[:cut]
        writer.close()
    assert set(bodies) == {b"{}"}


async def test_the_daemon_may_end_its_output_first(served: Served) -> None:
    heard = []

    async def story(channel: ByteChannel) -> None:
        await channel.write(b"last words")
        channel.write_eof()
        heard.append(await channel.read())

    reader, writer, _ = await served.ask(story)
    assert await reader.read() == b"last words"
    writer.write(b"thanks")
    writer.close()
    await served.ended.wait()
    assert heard == [b"thanks"]


async def test_a_slow_client_holds_the_writer_back(served: Served) -> None:
    sent = 0

    async def story(channel: ByteChannel) -> None:
        nonlocal sent
        for _ in range(64):
            await channel.write(b"x" * (64 << 10))
            sent += 64 << 10

    reader, writer, _ = await served.ask(story)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(50):
        await asyncio.sleep(0)
    assert sent < 2 << 20
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len(await reader.read()) == 4 << 20
    writer.close()


async def test_a_client_that_is_faster_than_the_container_is_held_back(served: Served) -> None:
    slow = asyncio.Event()
    got = 0

    async def story(channel: ByteChannel) -> None:
        nonlocal got
        await slow.wait()
        while data := await channel.read():
            assert len(data) < 2 << 20
            got += len(data)

    _, writer, _ = await served.ask(story)
    writer.write(b"y" * (8 << 20))
    for _ in range(50):
        await asyncio.sleep(0)
    assert writer.transport.get_write_buffer_size() > 4 << 20
    slow.set()
    await writer.drain()
    writer.write_eof()
    await served.ended.wait()
    assert got == 8 << 20
    writer.close()


async def test_a_client_that_vanishes_is_noticed_though_nothing_is_written(served: Served) -> None:
    async def story(channel: ByteChannel) -> None:
        await channel.closed.wait()
        with pytest.raises(ConnectionResetError):
            await channel.write(b"to nobody")

    _, writer, _ = await served.ask(story)
    writer.close()
    await asyncio.wait_for(served.ended.wait(), TIMEOUT_S)


async def test_a_client_that_ended_its_input_first_is_missed_as_well(served: Served) -> None:
    half_closed = asyncio.Event()

    async def story(channel: ByteChannel) -> None:
        assert await channel.read() == b""
        assert not channel.closed.is_set()
        half_closed.set()
        await channel.closed.wait()

    _, writer, _ = await served.ask(story)
    writer.write_eof()
    await half_closed.wait()
    assert not served.ended.is_set()
    writer.close()
    await asyncio.wait_for(served.ended.wait(), TIMEOUT_S)
