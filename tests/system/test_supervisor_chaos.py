"""Four clients live through kill -9 of supervisor, zygote and shims; in the end nothing is left."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from grpclib.exceptions import GRPCError, StreamTerminatedError

from suites.supervisor_world import OWN, RUNC, Client, World, gone_soon, lacks, settled

pytestmark = [pytest.mark.root, pytest.mark.slow]

ROUNDS = 6
LOST = (OSError, StreamTerminatedError, GRPCError, asyncio.TimeoutError)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async for one in settled(World(tmp_path)):
        yield one


async def live(world: World, runtime: str, statuses: list[int]) -> None:
    """One container after another, until cancelled; what fails is tried no more."""
    while True:
        with suppress(*LOST):
            async with Client(world) as client:
                box = await client.make(["sh", "-c", "sleep 0.05; exit 3"], runtime)
                await client.create(box)
                await client.start(box)
                await client.exec(box, "e1", ["true"])
                await client.start(box, "e1")
                statuses.append(await client.wait(box))
                await client.delete(box)
        await asyncio.sleep(0.02)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def end_all(world: World) -> None:
    """Every task that is left can be ended and deleted."""
    async with Client(world) as client:
        for box in await client.list():
            with suppress(GRPCError):  # it has ended
                await client.kill(box)
            await asyncio.wait_for(client.wait(box), 20)
            await client.delete(box)


def cgroups(world: World) -> list[Path]:
    return [*Path("/sys/fs/cgroup").glob(f"**/boxship-test/{world.prefix}*")]


def remove_cgroups(world: World) -> None:
    for group in sorted(cgroups(world), reverse=True):
        procs = (group / "cgroup.procs").read_text().split()
        kill([int(pid) for pid in procs])
        with suppress(OSError):
            group.rmdir()


def mounts(world: World) -> list[str]:
    with open("/proc/mounts", encoding="utf-8") as file:
        return [line for line in file if str(world.directory) in line]


@pytest.mark.parametrize("runtime", [RUNC, OWN])
async def test_nothing_is_lost_and_nothing_is_left(world: World, runtime: str) -> None:
    if reason := lacks(runtime):
        pytest.skip(reason)
    chance = random.Random(3)  # the same story each time, as far as the host allows
    statuses: list[int] = []
    lives = [asyncio.ensure_future(live(world, runtime, statuses)) for _ in range(4)]
    for _ in range(ROUNDS):
        await asyncio.sleep(chance.random() * 0.6)
        kill(world.shims()[:1])
        kill(world.children() if chance.random() < 0.3 else [])
        world.kill()
        await asyncio.to_thread(world.start)
    for one in lives:
        one.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    await end_all(world)
    assert set(statuses) <= {3, 137}
    await gone_soon(world.shims)
    await gone_soon(lambda: [*world.bundle("any").parent.glob("*")])
    if runtime == OWN:
        await gone_soon(lambda: cgroups(world))
    else:  # runc dies with its shim in the middle of create, and what it had made stays
        remove_cgroups(world)
    assert not mounts(world)
