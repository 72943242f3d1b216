"""logs: what a container said, read from its json-file log, and on as it says more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from boxship.logs import reader
from boxship.model.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from boxship.daemon.container import Container


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
    follower = reader.Follower(c.log_path, options)
    news = asyncio.Event()
    loop.add_reader(follower.fileno(), news.set)
    ended.add_done_callback(lambda _: news.set())
    try:
        while True:
            news.clear()
            last = ended.done() and not c.state.running
            if ended.done() and not last:  # it was started again: wait for its next end
                ended = c.waits.begin(c.state, "not-running")
                ended.add_done_callback(lambda _: news.set())
            while piece := follower.read_available():
                yield piece
            if last or follower.done:
                return
            await news.wait()
    finally:
        loop.remove_reader(follower.fileno())
        follower.close()
        ended.cancel()


async def past(c: Container, *, stdout: bool, stderr: bool) -> AsyncGenerator[bytes]:
    """What `attach --logs` shows first."""
    options = reader.ReadOptions(stdout=stdout, stderr=stderr, framed=not c.tty)
    if c.log_path:
        async for piece in read(c, options, follow=False):
            yield piece
