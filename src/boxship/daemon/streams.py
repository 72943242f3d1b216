"""Attach: bytes between a client's connection and a process, until one of them ends.

Input ends when the client closes its half, output when the process has said all; a client that
types the detach keys leaves the process running.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxship.daemon.detach import Scanner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from boxship.daemon.channel import ByteChannel
    from boxship.daemon.stdio import Streams

LAST_WORDS_S = 5.0  # for a process that does not read what its vanished client sent


@dataclass(frozen=True, slots=True)
class Input:
    """What is done with the client's input."""

    wanted: bool
    keys: bytes | None = None  # that detach
    ended: Callable[[], Awaitable[None]] | None = None  # called when the client ends its input


async def relay(channel: ByteChannel, streams: Streams, plan: Input) -> bool:
    """Pass bytes on until the output ends (False) or the client detaches or is gone (True)."""
    output = asyncio.create_task(_output(channel, streams), name="attach output")
    jobs: set[asyncio.Task[bool]] = {output}
    if plan.wanted:
        jobs.add(asyncio.create_task(_input(channel, streams, plan), name="attach input"))
    jobs.add(asyncio.create_task(_gone(channel, jobs - {output}), name="attach client"))
    try:
        while True:
            done, jobs = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            if output in done:
                return output.result()
            if any(job.result() for job in done):
                return True
    finally:
        for job in jobs:
            job.cancel()
        streams.close()


async def _gone(channel: ByteChannel, inputs: set[asyncio.Task[bool]]) -> bool:
    """The client is gone, though nobody writes to it: what it sent last is passed on, no more."""
    await channel.closed.wait()
    if inputs:
        await asyncio.wait(inputs, timeout=LAST_WORDS_S)
    return True


async def _output(channel: ByteChannel, streams: Streams) -> bool:
    try:
        while data := await streams.read():
            await channel.write(data)
    except ConnectionError:
        return True
    return False


async def _input(channel: ByteChannel, streams: Streams, plan: Input) -> bool:
    """True when the client typed the detach keys."""
    scanner = Scanner(plan.keys) if plan.keys else None
    with suppress(ConnectionError):
        while data := await channel.read():
            detached = False
            if scanner is not None:
                data, detached = scanner.feed(data)
            if data:
                await streams.write(data)
            if detached:
                return True
        streams.write_eof()
        if plan.ended is not None:
            await plan.ended()
    return False
