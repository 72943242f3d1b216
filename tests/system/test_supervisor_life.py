"""The life of tasks under a real supervisor, with our shim and with containerd's."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from boxship.api.containerd import task_pb2, tasks_pb2
from suites.supervisor_world import OWN, RUNC, Client, World, gone_soon, lacks, settled

pytestmark = pytest.mark.root


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async for one in settled(World(tmp_path)):
        yield one


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with Client(world) as one:
        yield one


@pytest.fixture(params=[RUNC, OWN])
def runtime(request: pytest.FixtureRequest) -> str:
    if reason := lacks(request.param):
        pytest.skip(reason)
    return str(request.param)


async def test_a_task_from_create_to_delete(client: Client, world: World, runtime: str) -> None:
    heard = await client.listen("namespace==moby,topic~=|^/tasks/|")
    output = world.directory / "output"
    output.touch()
    box = await client.make(["sh", "-c", "echo hello; exit 7"], runtime)
    pid = await client.create(box, stdout=output)
    assert (await client.get(box)).status == task_pb2.CREATED
    assert await client.start(box) == pid
    assert await client.wait(box) == 7
    assert output.read_text() == "hello\n"
    stopped = await client.get(box)
    assert (stopped.status, stopped.exit_status) == (task_pb2.STOPPED, 7)
    assert await client.delete(box) == 7
    await heard.topic("/tasks/delete")
    assert [one.topic for one in heard.heard] == [
        f"/tasks/{what}" for what in ("create", "start", "exit", "delete")
    ]
    assert heard.exits() == [(box, 7)]
    assert not world.bundle(box).exists()
    await gone_soon(world.shims)
    await heard.close()


async def test_added_processes(client: Client, runtime: str) -> None:
    box, _ = await client.run(["sleep", "600"], runtime)
    await client.exec(box, "e1", ["sh", "-c", "exit 3"])
    with pytest.raises(GRPCError) as caught:
        await client.exec(box, "e1", ["true"])
    assert caught.value.status is Status.ALREADY_EXISTS
    await client.start(box, "e1")
    assert await client.wait(box, "e1") == 3
    request = tasks_pb2.DeleteProcessRequest(container_id=box, exec_id="e1")
    assert (await client.tasks.DeleteProcess(request)).exit_status == 3
    with pytest.raises(GRPCError) as caught:
        await client.get(box, "e1")
    assert caught.value.status is Status.NOT_FOUND
    assert await client.end(box) == 137


async def test_pause_pids_metrics_resume(client: Client, runtime: str) -> None:
    box, pid = await client.run(["sleep", "600"], runtime)
    await client.tasks.Pause(tasks_pb2.PauseTaskRequest(container_id=box))
    assert (await client.get(box)).status == task_pb2.PAUSED
    await client.tasks.Resume(tasks_pb2.ResumeTaskRequest(container_id=box))
    assert (await client.get(box)).status == task_pb2.RUNNING
    found = await client.tasks.ListPids(tasks_pb2.ListPidsRequest(container_id=box))
    assert [process.pid for process in found.processes] == [pid]
    metrics = await client.tasks.Metrics(tasks_pb2.MetricsRequest(filters=[f"id=={box}"]))
    assert [metric.id for metric in metrics.metrics] == [box]
    nobody = await client.tasks.Metrics(tasks_pb2.MetricsRequest(filters=["id==nobody"]))
    assert not nobody.metrics
    await client.end(box)


async def test_refusals_have_containerds_codes(client: Client, runtime: str) -> None:
    box, _ = await client.run(["sleep", "600"], runtime)

    async def refused(call: "asyncio.Future[object]") -> tuple[Status, str]:
        with pytest.raises(GRPCError) as caught:
            await call
        return caught.value.status, str(caught.value.message)

    assert (await refused(client.create(box)))[0] is Status.ALREADY_EXISTS
    # runc's shim has no code for this one.
    assert (await refused(client.delete(box)))[0] in (Status.FAILED_PRECONDITION, Status.UNKNOWN)
    missing = await refused(client.get("nobody"))
    assert missing == (Status.NOT_FOUND, 'container "nobody" in namespace "moby": not found')
    assert (await refused(client.start(box, "e9")))[0] is Status.NOT_FOUND
    checkpoint = client.tasks.Checkpoint(tasks_pb2.CheckpointTaskRequest(container_id=box))
    assert (await refused(checkpoint))[0] is Status.UNIMPLEMENTED
    await client.end(box)
    idle = await client.make(["true"], runtime)
    assert await refused(client.get(idle)) == (Status.NOT_FOUND, f"task {idle} not found")


async def test_a_program_that_is_not_there_leaves_nothing(
    client: Client, world: World, runtime: str
) -> None:
    box = await client.make(["nope"], runtime)
    with pytest.raises(GRPCError, match="executable file not found in"):
        await client.create(box)
    assert not world.bundle(box).exists()
    assert await client.list() == {}
    await gone_soon(world.shims)


async def test_a_client_that_goes_away_in_the_middle_of_create(
    client: Client, world: World, runtime: str
) -> None:
    box = await client.make(["sleep", "600"], runtime)
    making = asyncio.ensure_future(client.create(box))
    await gone_soon(lambda: not world.bundle(box).exists())
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    await gone_soon(world.bundle(box).exists)
    await gone_soon(world.shims)
    await client.create(box)
    await client.start(box)
    await client.end(box)


async def test_many_tasks_at_once(client: Client, world: World, runtime: str) -> None:
    boxes = await asyncio.gather(*(client.run(["sleep", "600"], runtime) for _ in range(8)))
    assert sorted(await client.list()) == sorted(box for box, _ in boxes)
    assert await asyncio.gather(*(client.end(box) for box, _ in boxes)) == [137] * 8
    await gone_soon(world.shims)


async def test_a_runtime_that_is_not_installed(client: Client, world: World) -> None:
    box = await client.make(["true"], "io.example.nope.v9")
    with pytest.raises(GRPCError, match='binary not installed "containerd-shim-nope-v9"') as caught:
        await client.create(box)
    assert caught.value.status is Status.NOT_FOUND
    assert not world.bundle(box).exists()


async def test_a_killed_zygote_is_replaced(client: Client, world: World) -> None:
    if reason := lacks(OWN):
        pytest.skip(reason)
    first, _ = await client.run(["sleep", "600"], OWN)
    (zygote,) = world.children()
    os.kill(zygote, signal.SIGKILL)
    second, _ = await client.run(["sleep", "600"], OWN)
    assert world.children() != [zygote]
    assert {process.status for process in (await client.list()).values()} == {task_pb2.RUNNING}
    await client.end(first)
    await client.end(second)


async def test_a_zygote_that_is_killed_again_and_again(client: Client, world: World) -> None:
    if reason := lacks(OWN):
        pytest.skip(reason)
    boxes = [await client.make(["sleep", "600"], OWN) for _ in range(6)]
    making = [asyncio.ensure_future(client.create(box)) for box in boxes]
    await asyncio.sleep(0.005)
    for zygote in world.children():
        os.kill(zygote, signal.SIGKILL)
    done = await asyncio.gather(*making, return_exceptions=True)
    for box, outcome in zip(boxes, done, strict=True):
        if isinstance(outcome, GRPCError):
            assert outcome.status is Status.UNAVAILABLE
            await client.create(box)
        await client.start(box)
        await client.end(box)


def test_memory_stays_small(world: World) -> None:
    rollup = Path(f"/proc/{world.pid}/smaps_rollup").read_text()
    pss_kib = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    assert pss_kib < 36 * 1024


def test_a_second_supervisor_refuses(world: World) -> None:
    second = subprocess.run(world.command(), capture_output=True, timeout=20, check=False)
    assert second.returncode == 1
    assert f"another supervisor (pid {world.pid}) works on" in second.stderr.decode()


def test_an_orderly_stop_takes_sockets_and_zygote_along(world: World) -> None:
    children = world.children()
    assert children
    assert world.stop() == 0
    assert not Path(world.address).exists()
    assert not Path(world.address + ".ttrpc").exists()
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


async def test_it_goes_on_when_whoever_started_it_is_gone(tmp_path: Path) -> None:
    """Its log and its readiness go to pipes that nobody reads any more."""
    world = World(tmp_path)
    process = await asyncio.create_subprocess_exec(
        *world.command(), stderr=asyncio.subprocess.PIPE, env={**os.environ}
    )
    assert process.stderr is not None
    while b"serving on" not in await process.stderr.readline():
        pass
    process._transport.get_pipe_transport(2).close()  # type: ignore[attr-defined]
    async with Client(world) as client:
        for _ in range(3):
            box = await client.make(["true"], "io.example.nope.v9")
            with pytest.raises(GRPCError):
                await client.create(box)
    process.terminate()
    assert await process.wait() == 0
