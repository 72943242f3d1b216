"""A supervisor of its own in a directory of its own, its clients, and a busybox to run."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as AnyMessage
from grpclib.client import Channel
from grpclib.exceptions import GRPCError, StreamTerminatedError

from boxship.api.containerd import containers_pb2, events_pb2, tasks_pb2
from boxship.api.containerd.containers_grpc import ContainersStub
from boxship.api.containerd.events_grpc import EventsStub
from boxship.api.containerd.task_events_pb2 import TaskExit
from boxship.api.containerd.tasks_grpc import TasksStub
from suites import cgroup_parents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from boxship.api.containerd.event_pb2 import Envelope
    from boxship.api.containerd.task_pb2 import Process

OWN, RUNC = "io.boxship.v1", "io.containerd.runc.v2"
NAMESPACE = "moby"
PATIENCE_S = 20.0
SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec"
PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process"
APPLETS = ("sh", "sleep", "echo", "true", "ls", "cat", "kill", "ps")


def lacks(runtime: str) -> str:
    """Why a runtime cannot be tested here, or ''."""
    if runtime == RUNC and not shutil.which("containerd-shim-runc-v2"):
        return "containerd-shim-runc-v2 is not installed"
    if runtime == OWN and importlib.util.find_spec("boxship.runtime.create") is None:
        return "our runtime is not there yet"
    return ""


def make_rootfs(directory: Path) -> Path:
    """A root file system with a static busybox."""
    busybox = shutil.which("busybox")
    assert busybox, "install busybox-static"
    for name in ("bin", "proc", "sys", "dev", "tmp", "etc"):
        (directory / name).mkdir(parents=True)
    shutil.copy(busybox, directory / "bin/busybox")
    for applet in APPLETS:
        (directory / "bin" / applet).symlink_to("busybox")
    return directory


class World:
    """One supervisor, as a process; started and ended as a test likes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.address = str(directory / "s.sock")
        self.state = directory / "state"
        self.rootfs = make_rootfs(directory / "rootfs")
        self.process: subprocess.Popen[bytes] | None = None
        self.prefix = f"bx{secrets.token_hex(4)}"
        self._count = 0

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "boxship", "supervisor"),
            *("--root", str(self.directory / "root")),
            *("--state", str(self.state)),
            *("--address", self.address),
        ]

    def start(self) -> None:
        """Start it and return when it serves."""
        reading, writing = os.pipe()
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                pass_fds=(writing,),
                stderr=log,
                env={**os.environ, "BOXSHIP_READY_FD": str(writing)},
            )
        os.close(writing)
        with open(reading, encoding="ascii") as ready:
            assert ready.read() == "ready\n", self.log()

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """In order."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.process = None
        return code

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def new_id(self) -> str:
        self._count += 1
        return f"{self.prefix}-{self._count}"

    def bundle(self, container_id: str) -> Path:
        return self.state / "io.containerd.runtime.v2.task" / NAMESPACE / container_id

    def children(self) -> list[int]:
        """Of the supervisor: the zygote, most of all."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(word) for word in text.split()]

    def shims(self) -> list[int]:
        """Processes that stand in a bundle of this world: its shims."""
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with suppress(OSError):
                    if str(self.state) in os.readlink(f"/proc/{entry.name}/cwd"):
                        found.append(int(entry.name))
        return found

    async def clean(self) -> None:
        """End whatever a test left, by the front door if it is open."""
        if self.process is None:
            self.start()
        async with Client(self) as client:
            for process in (await client.tasks.List(tasks_pb2.ListTasksRequest())).tasks:
                with suppress(GRPCError, asyncio.TimeoutError):
                    await client.kill(process.id)
                    await asyncio.wait_for(client.wait(process.id), 5)
                with suppress(GRPCError, asyncio.TimeoutError):
                    await client.delete(process.id)
        self.stop()
        await gone_soon(self.shims)
        cgroup_parents.forget("/boxship-test")


async def gone_soon(look: Callable[[], object]) -> None:
    """Wait until `look` finds nothing."""
    async with asyncio.timeout(PATIENCE_S):
        while look():  # noqa: ASYNC110  # files and processes of others: nothing to await
            await asyncio.sleep(0.02)


class Client:
    """A client of a supervisor, in one namespace; its methods say what a test wants."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._channel = Channel(path=world.address)
        about = {"containerd-namespace": NAMESPACE}
        self.containers = _Stub(ContainersStub(self._channel), about)
        self.tasks = _Stub(TasksStub(self._channel), about)
        self._events = EventsStub(self._channel)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._channel.close()

    async def make(self, args: list[str], runtime: str) -> str:
        """A container's record; nothing runs."""
        container_id = self._world.new_id()
        spec = make_spec(container_id, self._world.rootfs, args)
        container = containers_pb2.Container(
            id=container_id, spec=AnyMessage(type_url=SPEC_TYPE, value=json.dumps(spec).encode())
        )
        container.runtime.name = runtime
        request = containers_pb2.CreateContainerRequest(container=container)
        await self.containers.Create(request)
        return container_id

    async def create(self, container_id: str, stdout: Path | None = None) -> int:
        """Its task."""
        request = tasks_pb2.CreateTaskRequest(container_id=container_id)
        if stdout is not None:
            request.stdout = request.stderr = f"file://{stdout}"  # runc's shim wants both
        return int((await self.tasks.Create(request)).pid)

    async def start(self, container_id: str, exec_id: str = "") -> int:
        request = tasks_pb2.StartRequest(container_id=container_id, exec_id=exec_id)
        return int((await self.tasks.Start(request)).pid)

    async def run(self, args: list[str], runtime: str) -> tuple[str, int]:
        """A started task: its id and pid."""
        container_id = await self.make(args, runtime)
        await self.create(container_id)
        return container_id, await self.start(container_id)

    async def exec(self, container_id: str, exec_id: str, args: list[str]) -> None:
        process = make_spec(container_id, self._world.rootfs, args)["process"]
        spec = AnyMessage(type_url=PROCESS_TYPE, value=json.dumps(process).encode())
        request = tasks_pb2.ExecProcessRequest(
            container_id=container_id, exec_id=exec_id, spec=spec
        )
        await self.tasks.Exec(request)

    async def get(self, container_id: str, exec_id: str = "") -> Process:
        request = tasks_pb2.GetRequest(container_id=container_id, exec_id=exec_id)
        reply: tasks_pb2.GetResponse = await self.tasks.Get(request)
        return reply.process

    async def list(self) -> dict[str, Process]:
        found = (await self.tasks.List(tasks_pb2.ListTasksRequest())).tasks
        return {process.id: process for process in found}

    async def wait(self, container_id: str, exec_id: str = "") -> int:
        request = tasks_pb2.WaitRequest(container_id=container_id, exec_id=exec_id)
        return int((await self.tasks.Wait(request)).exit_status)

    async def kill(self, container_id: str, number: int = signal.SIGKILL) -> None:
        request = tasks_pb2.KillRequest(container_id=container_id, signal=number)
        await self.tasks.Kill(request)

    async def delete(self, container_id: str) -> int:
        """Task and record; the exit status."""
        request = tasks_pb2.DeleteTaskRequest(container_id=container_id)
        status = (await self.tasks.Delete(request)).exit_status
        await self.containers.Delete(containers_pb2.DeleteContainerRequest(id=container_id))
        return int(status)

    async def end(self, container_id: str) -> int:
        """Kill, wait, delete."""
        await self.kill(container_id)
        await self.wait(container_id)
        return await self.delete(container_id)

    async def listen(self, *filters: str) -> Listener:
        """Hear every event from now on."""
        listener = Listener(self._events, filters)
        await listener.begin()
        return listener


class _Stub:
    """A stub whose calls carry the namespace and end."""

    def __init__(self, stub: object, about: dict[str, str]) -> None:
        self._stub = stub
        self._about = about

    def __getattr__(self, name: str) -> Callable[[object], Awaitable[Any]]:
        method = getattr(self._stub, name)
        return lambda request: method(request, metadata=self._about, timeout=60)


class Listener:
    """A subscription to events."""

    def __init__(self, stub: EventsStub, filters: tuple[str, ...]) -> None:
        self.heard: list[Envelope] = []
        self._news = asyncio.Event()
        self._began = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(stub, filters))

    async def _run(self, stub: EventsStub, filters: tuple[str, ...]) -> None:
        async with stub.Subscribe.open() as stream:
            await stream.send_message(events_pb2.SubscribeRequest(filters=filters), end=True)
            await stream.recv_initial_metadata()
            self._began.set()
            with suppress(StreamTerminatedError):
                async for envelope in stream:
                    self.heard.append(envelope)
                    self._news.set()

    async def begin(self) -> None:
        await asyncio.wait_for(self._began.wait(), PATIENCE_S)

    async def topic(self, topic: str, count: int = 1) -> Envelope:
        """The event number `count` of a topic, once it was heard."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [one for one in self.heard if one.topic == topic]
                if len(found) >= count:
                    return found[count - 1]
                self._news.clear()
                await self._news.wait()

    def exits(self) -> list[tuple[str, int]]:
        """The ends heard so far: process and status."""
        events = [
            TaskExit.FromString(one.event.value) for one in self.heard if one.topic == "/tasks/exit"
        ]
        return [(event.id, event.exit_status) for event in events]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def settled(world: World) -> AsyncIterator[World]:
    """For fixtures: the world, cleaned afterwards."""
    world.start()
    try:
        yield world
    finally:
        await world.clean()


def make_spec(container_id: str, rootfs: Path, args: list[str]) -> dict[str, Any]:
    """A small OCI spec: namespaces, proc, and a program."""
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": args,
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": ["CAP_KILL"],
                "permitted": ["CAP_KILL"],
                "effective": ["CAP_KILL"],
            },
            "noNewPrivileges": True,
        },
        "root": {"path": str(rootfs), "readonly": False},
        "hostname": "box",
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {
            "cgroupsPath": f"/boxship-test/{container_id}",
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
        },
    }
