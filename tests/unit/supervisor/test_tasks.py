"""Tasks over shims that play: no container is made, so no root is needed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from boxship.api.containerd import task_pb2, tasks_pb2
from boxship.api.containerd.containers_pb2 import Container
from boxship.api.containerd.task_events_pb2 import TaskExit
from boxship.api.shim.client import CallFailed
from boxship.model.errors import NotFound, Unavailable, Unsupported
from boxship.supervisor.bundle import Bundle
from boxship.supervisor.config import Config
from boxship.supervisor.exchange import Exchange
from boxship.supervisor.recovery import Recovery
from boxship.supervisor.shims.shims import OWN, Shims
from boxship.supervisor.shims.zygote import Zygote
from boxship.supervisor.status import Exists
from boxship.supervisor.store import Store
from boxship.supervisor.tasks import Tasks
from suites import play_zygote

if TYPE_CHECKING:
    import socket


class Parts:
    """A supervisor without its sockets."""

    def __init__(self, directory: Path) -> None:
        self.config = Config(
            root=str(directory),
            state=str(directory / "state"),
            address=str(directory / "s.sock"),
            log_level="info",
            log_format="text",
        )
        os.makedirs(self.config.tasks, exist_ok=True)
        self.deaf: list[socket.socket] = []
        self.zygote = Zygote([sys.executable, play_zygote.__file__])
        self.store = Store(str(directory / "db"))
        self.exchange = Exchange()
        shims = Shims(self.config, self.zygote)
        self.tasks = Tasks(self.config.tasks, self.store, shims, self.exchange)
        self.recovery = Recovery(self.tasks, shims, self.exchange)

    async def start(self) -> None:
        self.zygote.start()
        await self.recovery.run()

    async def vanish(self) -> None:
        """As kill -9: connections end, shims stay."""
        self.tasks.stop()
        for task in self.tasks.list("moby"):
            if task.death is None:
                task.shim.client.connection.close()
                await task.shim.client.closed
        await self.zygote.close()

    def record(self, container_id: str = "web", wishes: bytes = b"{}") -> None:
        container = Container(id=container_id)
        container.runtime.name = OWN
        container.spec.value = wishes
        self.store.create_container("moby", container)

    async def create(self, container_id: str = "web") -> None:
        await self.tasks.create("moby", tasks_pb2.CreateTaskRequest(container_id=container_id))

    def bundle(self, container_id: str = "web") -> Path:
        return Path(self.config.tasks, "moby", container_id)

    def make_the_zygote_die(self) -> None:
        Path(self.config.tasks, "die-once").touch()

    def leave_a_bundle(self) -> None:
        self.bundle().mkdir(parents=True)
        (self.bundle() / "shim.sock").touch()

    def shims(self) -> list[int]:
        found = []
        for entry in os.scandir("/proc"):
            try:
                if entry.name.isdigit() and self.config.state in os.readlink(f"{entry.path}/cwd"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    async def ends(self) -> list[tuple[str, int]]:
        """The exits that are told within a moment."""
        heard = []
        events = self.exchange.subscribe(["topic==/tasks/exit"])
        try:
            async with asyncio.timeout(0.2):
                async for envelope in events:
                    event = TaskExit.FromString(envelope.event.value)
                    heard.append((event.id, event.exit_status))
        except TimeoutError:
            return heard
        return heard


async def become(look: Callable[[], object]) -> None:
    """Wait until `look` finds something."""
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110  # another process' doing: nothing to await
            await asyncio.sleep(0.005)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    one = Parts(tmp_path)
    await one.start()
    yield one
    await one.vanish()
    for pid in one.shims():
        os.kill(pid, signal.SIGKILL)


async def test_a_task_is_made_and_deleted(parts: Parts) -> None:
    parts.record()
    await parts.create()
    task = parts.tasks.get("moby", "web")
    assert task.pid == play_zygote.PID
    assert (await task.state()).status == task_pb2.CREATED
    with pytest.raises(Exists, match="task web"):
        await parts.create()
    assert (await parts.tasks.delete("moby", "web")).exit_status == 137
    with pytest.raises(NotFound, match="task web not found"):
        parts.tasks.get("moby", "web")
    assert not parts.bundle().exists()
    await become(lambda: not parts.shims())


async def test_there_is_no_task_without_a_container(parts: Parts) -> None:
    with pytest.raises(NotFound, match='container "web" in namespace "moby"'):
        await parts.create()


async def test_a_checkpoint_is_refused(parts: Parts) -> None:
    parts.record()
    request = tasks_pb2.CreateTaskRequest(container_id="web")
    request.checkpoint.digest = "sha256:0"
    with pytest.raises(Unsupported):
        await parts.tasks.create("moby", request)


@pytest.mark.parametrize(
    ("wishes", "error", "text"),
    [
        (b'{"fail_at": "Create"}', CallFailed, "as it was told to"),
        (b'{"die_at": "Create"}', Unavailable, "died while it made the container"),
    ],
)
async def test_a_failed_create_leaves_nothing(
    parts: Parts, wishes: bytes, error: type[Exception], text: str
) -> None:
    parts.record(wishes=wishes)
    with pytest.raises(error, match=text):
        await parts.create()
    assert not parts.bundle().exists()
    assert parts.tasks.list("moby") == []
    await become(lambda: not parts.shims())


async def test_a_zygote_that_dies_before_the_fork_is_asked_again(parts: Parts) -> None:
    parts.record()
    parts.make_the_zygote_die()
    await parts.create()
    assert parts.tasks.get("moby", "web").pid == play_zygote.PID


async def test_everyone_who_waits_shares_one_call(parts: Parts) -> None:
    parts.record()
    await parts.create()
    task = parts.tasks.get("moby", "web")
    waiting = [asyncio.ensure_future(task.wait()) for _ in range(5)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    assert len(task.shim.client.connection._waiting) == 1
    await parts.tasks.delete("moby", "web")
    for one in waiting[1:]:
        with pytest.raises(NotFound):
            await one


async def test_a_dead_shim_is_an_end_that_is_told_once(parts: Parts) -> None:
    parts.record()
    await parts.create()
    task = parts.tasks.get("moby", "web")
    await task.shim.born()
    waiting = asyncio.ensure_future(task.wait())
    await asyncio.sleep(0)
    os.kill(task.shim.pid, signal.SIGKILL)
    assert (await waiting).exit_status == 137
    state = await task.state()
    assert (state.status, state.exit_status) == (task_pb2.STOPPED, 137)
    assert await parts.ends() == [("web", 137)]
    await parts.tasks.delete("moby", "web")
    assert not parts.bundle().exists()


async def test_a_living_shim_is_found_again(parts: Parts, tmp_path: Path) -> None:
    parts.record()
    await parts.create()
    await parts.vanish()
    after = Parts(tmp_path)
    await after.start()
    assert (await after.tasks.get("moby", "web").state()).pid == play_zygote.PID
    await after.tasks.delete("moby", "web")
    await become(lambda: not after.shims())
    await after.vanish()


async def test_a_shim_without_a_task_is_ended(parts: Parts, tmp_path: Path) -> None:
    parts.record()
    await parts.create()
    await parts.tasks.get("moby", "web").delete()  # and then the supervisor dies
    await parts.vanish()
    after = Parts(tmp_path)
    await after.start()
    assert not after.tasks.has("moby", "web")
    assert not parts.bundle().exists()
    await become(lambda: not after.shims())
    await after.vanish()


async def test_a_shim_that_died_meanwhile_is_told_after_the_start_and_only_then(
    parts: Parts, tmp_path: Path
) -> None:
    parts.record()
    await parts.create()
    await parts.vanish()
    for pid in parts.shims():
        os.kill(pid, signal.SIGKILL)
    first = Parts(tmp_path)
    await first.start()
    assert await first.ends() == [("web", 137)]
    await first.vanish()
    second = Parts(tmp_path)
    await second.start()
    assert (await second.tasks.get("moby", "web").state()).exit_status == 137
    assert await second.ends() == []
    await second.tasks.delete("moby", "web")
    await second.vanish()


async def test_a_client_that_goes_away_undoes_its_create(parts: Parts) -> None:
    parts.record()
    making = asyncio.ensure_future(parts.create())
    await asyncio.sleep(0)
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    await become(lambda: not parts.tasks.has("moby", "web"))
    await become(lambda: not parts.shims())
    assert not parts.bundle().exists()


async def test_a_late_word_of_the_last_task_is_not_the_end_of_this_one(parts: Parts) -> None:
    parts.record()
    await parts.create()
    task = parts.tasks.get("moby", "web")
    late = TaskExit(container_id="web", id="web", pid=1, exit_status=9)
    assert task.observe("/tasks/exit", late.SerializeToString())
    now = TaskExit(container_id="web", id="web", pid=task.pid, exit_status=3)
    assert task.observe("/tasks/exit", now.SerializeToString())
    assert not task.observe("/tasks/exit", now.SerializeToString())
    await task.shim.born()
    os.kill(task.shim.pid, signal.SIGKILL)
    assert (await task.wait()).exit_status == 3  # its shim told that before it died


async def test_a_bundle_in_the_way_is_cleaned_up(parts: Parts) -> None:
    parts.record()
    parts.leave_a_bundle()
    await parts.create()
    await parts.tasks.delete("moby", "web")


async def test_a_socket_that_nobody_answers_holds_up_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxship.supervisor.recovery.ANSWER_S", 0.05)
    for name, pid in (("never", 0), ("made", 42)):
        bundle = Bundle(parts.config.tasks, "moby", name)
        parts.record(name)
        bundle.make(b"{}")
        if pid:
            bundle.note_pid(pid)
        parts.deaf.append(bundle.listen())
    await parts.recovery.run()
    assert not parts.bundle("never").exists()
    assert parts.tasks.get("moby", "made").pid == 42
    for listener in parts.deaf:
        listener.close()
    assert (await parts.tasks.get("moby", "made").wait()).exit_status == 137
