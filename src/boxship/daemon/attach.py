"""attach: a client's connection to the streams of a container, running or yet to be started."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from boxship.daemon import detach
from boxship.daemon.logs import past
from boxship.daemon.runtimes import io_of
from boxship.daemon.stdio import Wanted
from boxship.daemon.streams import Input, relay
from boxship.model.errors import BoxshipError, Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from boxship.daemon.channel import ByteChannel
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts
    from boxship.daemon.requests import AttachOptions
    from boxship.daemon.stdio import ProcessIO, Streams


class Attaching:
    """Clients that attached before the start: all are connected before the program's first byte."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._waiting: list[tuple[Wanted, asyncio.Future[Streams | None]]] = []

    def wait(self, wanted: Wanted) -> asyncio.Future[Streams | None]:
        """The streams, once there are any; None when the start failed."""
        future: asyncio.Future[Streams | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        return future

    async def connect(self, io: ProcessIO, key: str) -> None:
        """The process is there: connect everyone who waits."""
        waiting, self._waiting = self._waiting, []
        for wanted, future in waiting:
            if not future.done():
                try:
                    streams = await io.attach(key, wanted)
                except OSError:
                    future.set_result(None)
                    continue
                if future.done():
                    streams.close()
                else:
                    future.set_result(streams)

    def fail(self) -> None:
        """There will be no process."""
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            if not future.done():
                future.set_result(None)


async def attach(parts: Parts, c: Container, options: AttachOptions, channel: ByteChannel) -> None:
    """Returns when the output has ended, or the client detached or went away."""
    keys = check(c, options)
    parts.events.container(c, "attach")
    if options.logs:
        async for piece in past(c, stdout=options.stdout, stderr=options.stderr):
            await channel.write(piece)
    if not options.stream:
        return
    wanted = Wanted(
        stdin=options.stdin and bool(c.config["OpenStdin"]),
        stdout=options.stdout,
        stderr=options.stderr,
        close_stdin=bool(c.config["StdinOnce"]) and not c.tty,
    )
    plan = Input(wanted.stdin, keys, closer(parts, c) if wanted.close_stdin else None)
    streams = await _streams(parts, c, wanted, channel)
    if streams is not None and await relay(channel, streams, plan):
        parts.events.container(c, "detach")


def closer(parts: Parts, c: Container, exec_id: str = "") -> Callable[[], Awaitable[None]] | None:
    """How a process learns that its input has ended, where its shim does not see it itself."""
    if io_of(parts, c) is parts.io:
        return None

    async def close() -> None:
        with suppress(BoxshipError):
            await parts.tasks.close_stdin(c.id, exec_id)

    return close


def check(c: Container, options: AttachOptions) -> bytes | None:
    """Conflict when nobody can attach now; returns the detach keys, with a terminal."""
    keys = detach.parsed(options.detach_keys)
    if c.state.paused:
        raise Conflict(f"container {c.name} is paused, unpause the container before attach")
    if c.state.restarting:
        raise Conflict(f"container {c.name} is restarting, wait until the container is running")
    return keys if c.tty else None


async def _streams(
    parts: Parts, c: Container, wanted: Wanted, channel: ByteChannel
) -> Streams | None:
    if c.state.alive:
        with suppress(OSError):  # it ended just now
            return await io_of(parts, c).attach(c.id, wanted)
        return None
    waiting = c.attaching.wait(wanted)
    gone = asyncio.ensure_future(channel.closed.wait())
    try:
        jobs: set[asyncio.Future[Any]] = {waiting, gone}
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    finally:
        gone.cancel()
        waiting.cancel()
