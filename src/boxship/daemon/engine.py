"""The engine: what the routes call, and programs that embed it.  Thin over the verbs."""

from __future__ import annotations

import asyncio
import glob
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from boxship.daemon import (
    attach,
    create,
    info,
    logs,
    pause,
    recover,
    remove,
    rename,
    start,
    stop,
    top,
    watch,
)
from boxship.daemon import exec as execs
from boxship.model.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from boxship.daemon.channel import ByteChannel
    from boxship.daemon.config import Config
    from boxship.daemon.container import Container
    from boxship.daemon.containers import Containers
    from boxship.daemon.events import Events
    from boxship.daemon.parts import Parts
    from boxship.daemon.requests import AttachOptions, CreateRequest, ExecStart
    from boxship.daemon.supervise import Supervise
    from boxship.daemon.volumes import Volumes
    from boxship.daemon.waits import Outcome
    from boxship.images.images import Images
    from boxship.logs.reader import ReadOptions
    from boxship.network.networks import Networks

T = TypeVar("T")

FINISH_S = 10.0

log = logging.getLogger(__name__)


class Engine:
    """Open it, ask it, close it; as many as you like in one process."""

    def __init__(self, parts: Parts, supervise: Supervise) -> None:
        """Wired in build.py."""
        self.parts = parts
        self._supervise = supervise
        self._watch: asyncio.Task[None] | None = None
        self._about: info.About | None = None

    # -- life ------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Find or start the supervisor, make records and world agree, follow events."""
        await self._supervise.start()
        self._about = await info.look(self.parts)
        await recover.recover(self.parts)
        self._watch = asyncio.create_task(watch.watch(self.parts), name="watch")

    async def close(self) -> None:
        """An orderly stop; containers go on unless live-restore is off.

        Bridges, rules and the parent cgroup go if no container needs them.
        """
        if not self.config.live_restore:
            await self._stop_containers()
        if self.parts.finishing:
            await asyncio.wait(self.parts.finishing, timeout=FINISH_S)
        jobs = [
            *self.parts.background,
            *self.parts.finishing,
            *([self._watch] if self._watch else []),
        ]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await self.parts.networks.stop(remove=True)  # what nobody is attached to
        self.parts.tasks.close()
        await self._supervise.stop()
        self.parts.layers.close()
        await self.parts.images.registry.close()
        self.parts.images.close()
        self.parts.threads.shutdown()
        self.parts.records.close()
        _remove_cgroups(self.config.cgroup)

    async def _stop_containers(self) -> None:
        timeout = self.config.shutdown_timeout
        running = [c for c in self.containers if c.state.running]
        for c in running:
            c.keepers += 1  # for good
        ends = (stop.end(self.parts, c, None, None, by_hand=False) for c in running)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ends, return_exceptions=True), timeout)

    # -- what there is ---------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """How it was configured."""
        return self.parts.config

    @property
    def containers(self) -> Containers:
        """Its containers."""
        return self.parts.containers

    @property
    def images(self) -> Images:
        """Its images."""
        return self.parts.images

    @property
    def volumes(self) -> Volumes:
        """Its volumes."""
        return self.parts.volumes

    @property
    def networks(self) -> Networks:
        """Its networks."""
        return self.parts.networks

    @property
    def events(self) -> Events:
        """Its events."""
        return self.parts.events

    def info(self) -> dict[str, Any]:
        """`docker info`."""
        assert self._about is not None
        return info.info(self.parts, self._about)

    def version(self) -> dict[str, Any]:
        """`docker version`, the server's part."""
        assert self._about is not None
        return info.version(self.parts, self._about)

    def layer_paths(self, c: Container) -> dict[str, str]:
        """Where the layers of a container are (GraphDriver.Data)."""
        return {"ID": c.id, **self.parts.layers.driver_data(c.id)}

    async def usage(self, c: Container) -> int:
        """The bytes that it wrote."""
        return await self.in_thread(self.parts.layers.usage, c.id)

    async def in_thread(self, job: Callable[..., T], *arguments: object) -> T:
        """Run what blocks in a worker thread."""
        return await self.parts.in_thread(job, *arguments)

    def temporary_folder(self) -> str:
        """Where large things may lie for a while: on the disk of the data root."""
        folder = f"{self.config.data_root}/tmp"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return folder

    # -- the verbs -------------------------------------------------------------------------------

    async def create(self, request: CreateRequest) -> tuple[str, list[str]]:
        """Make a container; its id, and warnings."""
        return await create.create(self.parts, request)

    async def start(self, c: Container, detach_keys: str | None = None) -> None:
        """Start it; NotModified if it runs."""
        await start.start(self.parts, c)

    async def stop(
        self, c: Container, patience: int | None = None, signal: str | None = None
    ) -> None:
        """End it: the stop signal, `patience` seconds (-1: for ever), SIGKILL."""
        await stop.stop(self.parts, c, patience, signal)

    async def kill(self, c: Container, signal: str = "SIGKILL") -> None:
        """Send it a signal."""
        await stop.kill(self.parts, c, signal)

    async def restart(
        self, c: Container, patience: int | None = None, signal: str | None = None
    ) -> None:
        """End it and start it."""
        await stop.restart(self.parts, c, patience, signal)

    async def pause(self, c: Container) -> None:
        """Freeze it."""
        await pause.pause(self.parts, c)

    async def unpause(self, c: Container) -> None:
        """Thaw it."""
        await pause.unpause(self.parts, c)

    async def rename(self, c: Container, name: str) -> None:
        """Give it another name."""
        await rename.rename(self.parts, c, name)

    async def remove(
        self, c: Container, force: bool = False, volumes: bool = False, link: bool = False
    ) -> None:
        """Remove it with all that is its own; with `volumes` its anonymous volumes too."""
        await remove.remove(self.parts, c, force=force, volumes=volumes, link=link)

    def wait_begin(self, c: Container, condition: str = "") -> asyncio.Future[Outcome]:
        """Wait from now on: not-running, next-exit or removed."""
        return c.waits.begin(c.state, condition)

    async def wait(self, c: Container, condition: str = "") -> Outcome:
        """Its exit code, and an error or None."""
        return await self.wait_begin(c, condition)

    async def resize(self, c: Container, height: int, width: int) -> None:
        """Tell its terminal how large it is."""
        if not c.state.alive:
            raise Conflict(f"container {c.id} is not running")
        await self.parts.tasks.resize(c.id, "", height, width)

    async def top(self, c: Container, ps_args: str = "-ef") -> top.Table:
        """Its processes."""
        return await top.top(self.parts, c, ps_args)

    def logs(
        self, c: Container, options: ReadOptions, follow: bool = False
    ) -> AsyncGenerator[bytes]:
        """What it said."""
        return logs.read(c, options, follow=follow)

    def attach_check(self, c: Container, options: AttachOptions) -> None:
        """Raise what attach would raise before it takes a connection over."""
        attach.check(c, options)

    async def attach(self, c: Container, options: AttachOptions, channel: ByteChannel) -> None:
        """Connect a client with its streams; returns when detached or ended."""
        await attach.attach(self.parts, c, options, channel)

    # -- exec ------------------------------------------------------------------------------------

    async def exec_create(self, c: Container, config: dict[str, Any]) -> str:
        """Prepare one more process in it; its id."""
        return (await execs.create(self.parts, c, config)).id

    def exec_get(self, exec_id: str) -> execs.Exec:
        """An exec by its id, while its container knows it."""
        for c in self.containers:
            if exec_id in c.execs:
                return c.execs[exec_id]
        raise NotFound(f"No such exec instance: {exec_id}")

    async def exec_start(
        self, command: execs.Exec, asked: ExecStart, channel: ByteChannel | None = None
    ) -> None:
        """Start it; returns when its output has ended, or at once without a channel."""
        await execs.start(self.parts, command, asked, channel)

    async def exec_resize(self, command: execs.Exec, height: int, width: int) -> None:
        """Tell its terminal how large it is."""
        if not command.running:
            raise Conflict(f"exec process {command.id} is not running")
        await self.parts.tasks.resize(command.container.id, command.id, height, width)


def _remove_cgroups(parent: str) -> None:
    """The parent of all containers' cgroups, in every hierarchy, where it is empty."""
    for path in {f"/sys/fs/cgroup{parent}", *glob.glob(f"/sys/fs/cgroup/*{parent}")}:
        with suppress(OSError):
            os.rmdir(path)
