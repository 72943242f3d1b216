"""What the verbs work with: the parts of one engine, and the small things that all verbs share."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import ThreadPoolExecutor

    from boxship.daemon.config import Config
    from boxship.daemon.container import Container
    from boxship.daemon.containers import Containers
    from boxship.daemon.events import Events
    from boxship.daemon.host import HostFacts
    from boxship.daemon.records import Records
    from boxship.daemon.security import Filters
    from boxship.daemon.stdio import ProcessIO
    from boxship.daemon.tasks import Tasks
    from boxship.daemon.volumes import Volumes
    from boxship.images.images import Images
    from boxship.network.networks import Networks
    from boxship.storage.overlay2 import Overlay2

T = TypeVar("T")


@dataclass(slots=True)
class Parts:
    """Built once in build.py; passed to every verb."""

    config: Config
    host: HostFacts
    runtimes: dict[str, tuple[str, str]]  # name -> shim, and the program behind it or ''
    capabilities: list[str]
    seccomp: dict[str, Any] | None
    filters: Filters
    records: Records
    containers: Containers
    images: Images
    layers: Overlay2
    networks: Networks
    volumes: Volumes
    tasks: Tasks
    io: ProcessIO
    fifos: ProcessIO
    events: Events
    threads: ThreadPoolExecutor
    clock: Callable[[], int] = time.time_ns
    chance: random.Random = field(default_factory=random.Random)
    background: set[asyncio.Task[Any]] = field(default_factory=set)
    finishing: set[asyncio.Task[Any]] = field(default_factory=set)

    async def in_thread(self, job: Callable[..., T], *arguments: object) -> T:
        """Run what blocks in a worker thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, job, *arguments)

    def spawn(self, job: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run beside everything else; ended with the engine."""
        task = asyncio.create_task(job, name=name)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    def finish(self, job: Coroutine[Any, Any, Any], name: str) -> None:
        """Run what nobody waits for but the end of the engine."""
        task = asyncio.create_task(job, name=name)
        self.finishing.add(task)
        task.add_done_callback(self.finishing.discard)

    def move(self, container: Container, name: str) -> None:
        """Make a move and store it; the event comes after."""
        container.state.move(name)
        self.records.save_all(container.id, container.state, container.network_settings)

    def folder(self, container_id: str) -> str:
        """Where a container's own files are."""
        return f"{self.config.data_root}/containers/{container_id}"

    def shm(self, container_id: str) -> str:
        """Where the /dev/shm of a container with `--ipc shareable` is mounted on the host."""
        return f"{self.folder(container_id)}/mounts/shm"
