"""kill -9 of supervisor, shim, or both, at any moment: what is lost is only the process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from boxship.api.containerd import task_pb2
from suites.supervisor_world import OWN, RUNC, Client, World, gone_soon, lacks, settled

pytestmark = pytest.mark.root


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async for one in settled(World(tmp_path)):
        yield one


@pytest.fixture(params=[RUNC, OWN])
def runtime(request: pytest.FixtureRequest) -> str:
    if reason := lacks(request.param):
        pytest.skip(reason)
    return str(request.param)


def alive(pid: int) -> bool:
    """Whether it still does anything: a zombie waits for the host's init only."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def shim_of(pid: int) -> int:
    """The parent of an init process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


async def run(world: World, runtime: str, *args: str) -> tuple[str, int]:
    async with Client(world) as client:
        return await client.run(list(args) or ["sleep", "600"], runtime)


async def test_containers_outlive_the_supervisor(world: World, runtime: str) -> None:
    box, pid = await run(world, runtime)
    world.kill()
    assert alive(pid)
    world.start()
    async with Client(world) as client:
        found = (await client.list())[box]
        assert (found.pid, found.status) == (pid, task_pb2.RUNNING)
        heard = await client.listen()
        assert await client.end(box) == 137
        await heard.topic("/tasks/delete")
        assert heard.exits() == [(box, 137)]
        await heard.close()
    await gone_soon(world.shims)


async def test_an_end_in_the_meantime_is_known_and_told(world: World, runtime: str) -> None:
    box, pid = await run(world, runtime, "sh", "-c", "sleep 0.3; exit 5")
    world.kill()
    await gone_soon(lambda: alive(pid))
    world.start()
    async with Client(world) as client:
        heard = await client.listen("namespace==moby")
        await heard.topic("/tasks/exit")
        found = await client.get(box)
        assert (found.status, found.exit_status) == (task_pb2.STOPPED, 5)
        assert await client.wait(box) == 5
        assert await client.delete(box) == 5
        await heard.topic("/tasks/delete")
        assert heard.exits() == [(box, 5)]
        await heard.close()


async def test_an_orderly_stop_leaves_containers_alone(world: World, runtime: str) -> None:
    box, pid = await run(world, runtime)
    assert world.stop() == 0
    assert alive(pid)
    world.start()
    async with Client(world) as client:
        assert (await client.get(box)).pid == pid
        await client.end(box)


async def test_a_killed_shim_takes_its_container_with_it(world: World, runtime: str) -> None:
    async with Client(world) as client:
        heard = await client.listen()
        box, pid = await client.run(["sleep", "600"], runtime)
        await client.exec(box, "e1", ["sleep", "500"])
        await client.start(box, "e1")
        waiting = asyncio.ensure_future(client.wait(box))
        os.kill(shim_of(pid), signal.SIGKILL)
        assert await asyncio.wait_for(waiting, 20) == 137
        assert not alive(pid)
        await heard.topic("/tasks/exit", 2)
        assert sorted(heard.exits()) == sorted([("e1", 137), (box, 137)])
        found = await client.get(box)
        assert (found.status, found.exit_status, found.pid) == (task_pb2.STOPPED, 137, pid)
        with pytest.raises(GRPCError) as caught:
            await client.kill(box)
        assert caught.value.status is Status.NOT_FOUND
        assert await client.delete(box) == 137
        await heard.topic("/tasks/delete")
        await heard.close()
    assert not world.bundle(box).exists()


async def test_a_shim_that_died_with_the_supervisor(world: World, runtime: str) -> None:
    box, pid = await run(world, runtime)
    shim = shim_of(pid)
    world.kill()
    os.kill(shim, signal.SIGKILL)
    world.start()
    async with Client(world) as client:
        assert not alive(pid)
        heard = await client.listen()
        await heard.topic("/tasks/exit")
        assert heard.exits() == [(box, 137)]
        assert (await client.get(box)).status == task_pb2.STOPPED
        await heard.close()
    world.kill()
    world.start()
    async with Client(world) as client:
        heard = await client.listen()
        assert (await client.get(box)).exit_status == 137
        assert await client.delete(box) == 137
        await heard.topic("/tasks/delete")
        assert heard.exits() == []  # its end is told once
        await heard.close()


async def test_an_added_process_is_known_after_a_restart(world: World, runtime: str) -> None:
    async with Client(world) as client:
        box, pid = await client.run(["sleep", "600"], runtime)
        await client.exec(box, "e1", ["sleep", "500"])
        await client.start(box, "e1")
    world.kill()
    world.start()
    async with Client(world) as client:
        heard = await client.listen()
        os.kill(shim_of(pid), signal.SIGKILL)
        await heard.topic("/tasks/exit", 2)
        assert sorted(heard.exits()) == sorted([("e1", 137), (box, 137)])
        await client.delete(box)
        await heard.close()


@pytest.mark.parametrize("after_ms", [0, 2, 5, 10, 20, 40])
async def test_killed_in_the_middle_of_create(world: World, runtime: str, after_ms: int) -> None:
    async with Client(world) as client:
        box = await client.make(["sleep", "600"], runtime)
        making = asyncio.ensure_future(client.create(box))
        await asyncio.sleep(after_ms / 1000)
        world.kill()
        (outcome,) = await asyncio.gather(making, return_exceptions=True)
    world.start()
    async with Client(world) as client:
        found = await client.list()
        if isinstance(outcome, int):  # acknowledged: then it is there
            assert found[box].pid == outcome
        else:
            assert isinstance(outcome, (OSError, StreamTerminatedError, GRPCError))
        if box in found:
            assert found[box].status == task_pb2.CREATED
            await client.end(box)
        else:
            assert not world.bundle(box).exists()
            await gone_soon(world.shims)
            await client.create(box)
            await client.start(box)
            await client.end(box)
    await gone_soon(world.shims)


@pytest.mark.parametrize("after_ms", [0, 2, 5, 10, 20])
async def test_killed_in_the_middle_of_delete(world: World, runtime: str, after_ms: int) -> None:
    async with Client(world) as client:
        box, _ = await client.run(["true"], runtime)
        await client.wait(box)
        deleting = asyncio.ensure_future(client.delete(box))
        await asyncio.sleep(after_ms / 1000)
        world.kill()
        await asyncio.gather(deleting, return_exceptions=True)
    world.start()
    async with Client(world) as client:
        if box in await client.list():
            await client.delete(box)
        assert not world.bundle(box).exists()
    await gone_soon(world.shims)


async def test_a_bundle_without_a_shim_is_cleaned_up(world: World) -> None:
    world.stop()
    for name, files in (("empty", []), ("half", ["config.json", "shim.sock"])):
        world.bundle(name).mkdir(parents=True)
        for file in files:
            (world.bundle(name) / file).touch()
    world.start()
    assert not world.bundle("empty").exists()
    assert not world.bundle("half").exists()
