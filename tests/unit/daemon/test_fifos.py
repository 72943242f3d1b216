"""Streams over FIFOs, with the test in the place of the shim."""

from __future__ import annotations

import asyncio
import os
import resource
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from boxship.daemon.fifos import FifoIO
from boxship.daemon.stdio import LogTarget, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "a" * 64


@pytest.fixture
def io(tmp_path: Path) -> FifoIO:
    return FifoIO(f"{tmp_path}/io")


@contextmanager
def opened(fifo: str) -> Iterator[Callable[[bytes], int]]:
    """What the shim does: it opens the FIFO and writes into it."""
    fd = os.open(fifo, os.O_WRONLY)
    yield lambda data: os.write(fd, data)
    os.close(fd)


async def test_a_last_line_without_a_newline_is_in_the_log(io: FifoIO, tmp_path: Path) -> None:
    streams = io.make(KEY, terminal=False, stdin=False, log=LogTarget(f"{tmp_path}/log"))
    with opened(streams.stdout) as say:
        say(b"no newline")
    io.drop(KEY)
    assert b'"log":"no newline"' in (tmp_path / "log").read_bytes()


async def test_a_disk_that_is_full_costs_lines_and_no_client(io: FifoIO) -> None:
    streams = io.make(KEY, terminal=True, stdin=False, log=LogTarget("/dev/full"))
    client = await io.attach(KEY, Wanted())
    with opened(streams.stdout) as say:
        say(b"seen\n")
        async with asyncio.timeout(5):
            assert await client.read() == b"seen\n"
    io.drop(KEY)


async def test_streams_end_also_in_a_daemon_with_over_a_thousand_files(io: FifoIO) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2048), hard))
    try:
        with ExitStack() as held:
            for _ in range(1024):
                held.callback(os.close, os.open("/dev/null", os.O_RDONLY))
            streams = io.make(KEY, terminal=True, stdin=False, log=LogTarget())
            client = await io.attach(KEY, Wanted())
            with opened(streams.stdout) as say:
                say(b"last words")
                io.drop(KEY)
            assert await client.read() == b"last words"
            assert await client.read() == b""
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_two_clients_may_type_more_than_the_process_reads_at_once(io: FifoIO) -> None:
    size = 1 << 20
    streams = io.make(KEY, terminal=False, stdin=True, log=LogTarget())
    clients = [await io.attach(KEY, Wanted(stdin=True)) for _ in range(2)]
    typing = asyncio.gather(*(client.write(b"x" * size) for client in clients))
    await asyncio.sleep(0)  # both wait for room now
    process = ("head", "-c", str(2 * size), streams.stdin)
    reader = await asyncio.create_subprocess_exec(*process, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(10):
        said, _ = await reader.communicate()
        await typing
    assert len(said) == 2 * size
    io.drop(KEY)


async def test_who_waits_for_room_learns_that_the_input_is_closed(io: FifoIO) -> None:
    io.make(KEY, terminal=False, stdin=True, log=LogTarget())
    client = await io.attach(KEY, Wanted(stdin=True, close_stdin=True))
    typing = asyncio.ensure_future(client.write(b"x" * (1 << 20)))
    await asyncio.sleep(0)
    client.write_eof()
    async with asyncio.timeout(5):
        await typing
    io.drop(KEY)
