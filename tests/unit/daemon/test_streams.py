"""Attach, with both ends in memory."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from boxship.daemon.detach import DEFAULT
from boxship.daemon.streams import Input, relay


class End:
    """A client's or a process' end: what is fed is read, what is written is kept."""

    def __init__(self) -> None:
        self.written = b""
        self.eof = False
        self.is_closed = False
        self.closed = asyncio.Event()
        self._fed: asyncio.Queue[bytes] = asyncio.Queue()

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._fed.put_nowait(piece)

    async def read(self) -> bytes:
        return await self._fed.get()

    async def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.eof = True

    def close(self) -> None:
        self.is_closed = True


async def story(channel: End, process: End, plan: Input) -> bool:
    return await asyncio.wait_for(relay(cast("Any", channel), process, plan), 5)


async def test_output_goes_to_the_client_until_it_ends() -> None:
    channel, process = End(), End()
    process.feed(b"one", b"two", b"")
    assert await story(channel, process, Input(wanted=False)) is False
    assert channel.written == b"onetwo"
    assert process.is_closed


async def test_the_end_of_input_is_not_the_end_of_output() -> None:
    channel, process = End(), End()
    told = asyncio.Event()

    async def ended() -> None:
        told.set()
        process.feed(b"late", b"")

    channel.feed(b"in", b"")
    assert await story(channel, process, Input(wanted=True, ended=ended)) is False
    assert (process.written, process.eof, channel.written) == (b"in", True, b"late")
    assert told.is_set()


async def test_the_detach_keys_leave_the_process_running() -> None:
    channel, process = End(), End()
    channel.feed(b"ls\n\x10", b"\x11never")
    assert await story(channel, process, Input(wanted=True, keys=DEFAULT)) is True
    assert process.written == b"ls\n"
    assert not process.eof
    assert process.is_closed


async def test_a_client_that_vanishes_ends_the_relay() -> None:
    class Gone(End):
        async def write(self, data: bytes) -> None:
            raise ConnectionResetError

    process = End()
    process.feed(b"out")
    assert await story(Gone(), process, Input(wanted=False)) is True


async def test_a_client_that_vanishes_in_silence_ends_the_relay_too() -> None:
    channel, process = End(), End()
    channel.closed.set()
    assert await story(channel, process, Input(wanted=False)) is True
    assert process.is_closed


async def test_what_a_vanished_client_sent_last_still_arrives() -> None:
    channel, process = End(), End()
    channel.closed.set()
    channel.feed(b"last", b"words", b"")
    assert await story(channel, process, Input(wanted=True)) is True
    assert (process.written, process.eof) == (b"lastwords", True)
