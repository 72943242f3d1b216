"""Ends that somebody missed, and what resists: nobody else is kept waiting for it."""

from __future__ import annotations

import asyncio
import sqlite3
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import AsyncMock, MagicMock

import pytest

from boxship.api.containerd import task_events_pb2
from boxship.api.containerd.event_pb2 import Envelope
from boxship.daemon import exits, recover, remove, watch
from boxship.daemon.container import State
from boxship.daemon.containers import Containers
from boxship.daemon.records import Records
from boxship.daemon.tasks import Seen
from boxship.model import container as states
from boxship.model.errors import Unavailable
from suites.engine_records import record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from boxship.daemon.parts import Parts


class World(SimpleNamespace):
    """Parts of an engine whose records are real, and everything else does nothing."""

    def __init__(self, folder: Path) -> None:
        (folder / "containers").mkdir()
        super().__init__(
            config=SimpleNamespace(data_root=str(folder)),
            records=Records(f"{folder}/daemon.db"),
            containers=Containers(),
            tasks=AsyncMock(),
            networks=AsyncMock(),
            layers=MagicMock(),
            images=MagicMock(),
            volumes=MagicMock(),
            events=MagicMock(),
            io=MagicMock(),
            fifos=MagicMock(),
            runtimes={"boxship": ("io.boxship.v1", "")},
            clock=lambda: 1_000_000_000,
        )

    async def in_thread(self, job: Any, *arguments: object) -> Any:  # noqa: ANN401
        return job(*arguments)

    def move(self, c: Any, name: str) -> None:  # noqa: ANN401
        c.state.move(name)
        self.records.save_all(c.id, c.state, c.network_settings)

    def folder(self, container_id: str) -> str:
        return f"{self.config.data_root}/containers/{container_id}"

    def finish(self, job: Any, _name: str) -> None:  # noqa: ANN401
        job.close()

    def spawn(self, job: Any, _name: str) -> asyncio.Task[Any]:  # noqa: ANN401
        return asyncio.create_task(job)

    @property
    def parts(self) -> Parts:
        return cast("Parts", self)

    def runs(self, name: str, **host_config: object) -> str:
        one = record(name)
        one.host_config = {
            "Runtime": "boxship",
            "NetworkMode": "bridge",
            "IpcMode": "private",
            "LogConfig": {},
            **host_config,
        }
        one.config["OpenStdin"] = False
        self.records.ready(one, State(status=states.RUNNING, pid=7, started_before=True))
        return one.id


def seen(container_id: str, *, alive: bool) -> Seen:
    return Seen(container_id, 7, alive, True, False, 0 if alive else 3, 0)


async def test_a_container_that_cannot_be_removed_does_not_keep_the_daemon_from_starting(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    stuck = world.runs("aaaa", AutoRemove=True)
    ended = world.runs("bbbb")
    world.tasks.all.return_value = [seen(stuck, alive=False), seen(ended, alive=False)]
    world.tasks.container_ids.return_value = []
    world.layers.remove.side_effect = OSError(16, "Device or resource busy")
    await recover.recover(world.parts)
    assert world.containers.get("aaaa").state.status == states.DEAD
    after = world.containers.get("bbbb").state
    assert (after.status, after.exit_code) == (states.EXITED, 3)


async def test_an_event_that_cannot_be_handled_does_not_make_the_daemon_deaf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)
    web = world.runs("aaaa")
    world.tasks.all.return_value = [seen(web, alive=True)]
    world.tasks.container_ids.return_value = [web]
    await recover.recover(world.parts)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async def events() -> AsyncGenerator[Envelope]:
        oom = Envelope(topic="/tasks/oom")
        oom.event.value = task_events_pb2.TaskOOM(container_id=web).SerializeToString()
        with monkeypatch.context() as patch:
            patch.setattr(world.records, "save", full)
            yield oom
        end = Envelope(topic="/tasks/exit")
        ended = task_events_pb2.TaskExit(container_id=web, id=web, pid=7, exit_status=137)
        end.event.value = ended.SerializeToString()
        yield end
        await asyncio.Event().wait()

    world.tasks.events = events
    world.tasks.serving = asyncio.Event()
    world.tasks.serving.set()
    c = world.containers.get("aaaa")
    waiting = c.waits.begin(c.state, "not-running")
    watching = asyncio.create_task(watch.watch(world.parts))
    async with asyncio.timeout(5):
        assert (await waiting)[0] == 137
    assert "/tasks/oom could not be handled" in caplog.text
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_failed_remove_does_not_let_go_of_what_a_restart_keeps(tmp_path: Path) -> None:
    world = World(tmp_path)
    web = world.runs("aaaa", AutoRemove=True)
    world.tasks.all.return_value = [seen(web, alive=True)]
    world.tasks.container_ids.return_value = [web]
    await recover.recover(world.parts)
    c = world.containers.get("aaaa")
    with c.kept():  # as restart does
        world.tasks.kill.side_effect = Unavailable("the supervisor does not answer")
        with pytest.raises(Unavailable):
            await remove.remove(world.parts, c, force=True, volumes=False, link=False)
        await exits.exited(world.parts, c, 0, 1)
    assert world.containers.get("aaaa").state.status == states.EXITED
    assert not c.keep
