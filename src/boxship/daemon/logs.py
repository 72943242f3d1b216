"""logs: what a container said, read from its json-file log, and on as it says more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from boxship.logs import reader
from boxship.model.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from boxship.daemon.container import Container

T = TypeVar("T")


async def read(c: Container, options: reader.ReadOptions, *, follow: bool) -> AsyncGenerator[bytes]:
    """Pieces ready for the client; with `follow` until the container has ended and said all."""
    if not c.log_path:
        raise Unsupported("configured logging driver does not support reading")
    if follow and c.state.running:
        async for piece in _followed(c, options):
            yield piece
        return
    pieces = reader.read(c.log_path, options)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


async def _followed(c: Container, options: reader.ReadOptions) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    ended = c.waits.begin(c.state, "not-running")
    news = asyncio.Event()
    ended.add_done_callback(lambda _: news.set())
    follower: reader.Follower | None = None

    def opened() -> None:
        nonlocal follower
        follower = reader.Follower(c.log_path, options)

    try:
        await _aside(opened)
        assert follower is not None
        loop.add_reader(follower.fileno(), news.set)
        while True:
            news.clear()
            last = ended.done() and not c.state.running
            if ended.done() and not last:  # it was started again: wait for its next end
                ended = c.waits.begin(c.state, "not-running")
                ended.add_done_callback(lambda _: news.set())
            while (piece := await _aside(follower.read_some)) is not None:
                if piece:
                    yield piece
            if last or follower.done:
                return
            await news.wait()
    finally:
        if follower is not None:
            loop.remove_reader(follower.fileno())
            follower.close()
        ended.cancel()


async def _aside(job: Callable[[], T]) -> T:
    """In a thread, for a log may be long; to its end, for what it reads is closed afterwards."""
    work = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise


async def past(c: Container, *, stdout: bool, stderr: bool) -> AsyncGenerator[bytes]:
    """What `attach --logs` shows first."""
    options = reader.ReadOptions(stdout=stdout, stderr=stderr, framed=not c.tty)
    if c.log_path:
        async for piece in read(c, options, follow=False):
            yield piece
