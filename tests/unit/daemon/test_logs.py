"""logs: a long log is read beside everything else."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from boxship.daemon import logs
from boxship.daemon.container import State
from boxship.daemon.waits import Waits
from boxship.logs.json_file import Writer
from boxship.logs.reader import ReadOptions
from boxship.model import container as states

if TYPE_CHECKING:
    from pathlib import Path

    from boxship.daemon.container import Container

SECOND_NS = 1_000_000_000


def logged(path: Path, lines: int) -> Any:  # noqa: ANN401
    """A running container that has said so much, all of it long ago."""
    writer = Writer(str(path))
    for _ in range(lines // 10_000):
        writer.write(1, b"a line of some words that nobody asks for\n" * 10_000, SECOND_NS)
    writer.close()
    state = State(status=states.RUNNING)
    return SimpleNamespace(log_path=str(path), state=state, waits=Waits())


async def test_who_follows_the_last_second_of_a_long_log_holds_nobody_up(tmp_path: Path) -> None:
    c = logged(tmp_path / "log", 500_000)
    options = ReadOptions(since_ns=2 * SECOND_NS)
    turns = 0
    following = asyncio.ensure_future(anext(logs.read(cast("Container", c), options, follow=True)))
    writer = Writer(c.log_path)
    writer.write(1, b"new\n", 3 * SECOND_NS)
    while not following.done():
        await asyncio.sleep(0)
        turns += 1
    assert following.result().endswith(b"new\n")
    assert turns > 100
    writer.close()


async def test_a_client_that_leaves_leaves_no_descriptors(tmp_path: Path) -> None:
    c = logged(tmp_path / "log", 200_000)
    await asyncio.to_thread(int)  # the first thread has descriptors of its own
    before = len(os.listdir("/proc/self/fd"))
    for turns in range(12):
        pieces = logs.read(cast("Container", c), ReadOptions(since_ns=2 * SECOND_NS), follow=True)
        following = asyncio.ensure_future(anext(pieces))
        for _ in range(turns * 10):
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.wait({following})
        assert len(os.listdir("/proc/self/fd")) == before
