"""Tasks: the calls of containerd's API that a daemon makes, to our supervisor or to containerd.

A call that fails because the supervisor died waits until it is back, then looks at what came of
it: a call is made twice only where the first one left no trace.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.any_pb2 import Any as AnyMessage
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from boxship.api.containerd import (
    containers_pb2,
    events_pb2,
    runc_options_pb2,
    task_pb2,
    tasks_pb2,
    version_grpc,
)
from boxship.api.containerd.containers_grpc import ContainersStub
from boxship.api.containerd.events_grpc import EventsStub
from boxship.api.containerd.tasks_grpc import TasksStub
from boxship.api.containerd.turns import TurnChannel
from boxship.model import errors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from google.protobuf.timestamp_pb2 import Timestamp

    from boxship.api.containerd.event_pb2 import Envelope

T = TypeVar("T")
_Method = Any  # a unary method of a stub

NAMESPACE = "moby"
SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec"
PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process"
OPTIONS_TYPE = "containerd.runc.v1.Options"
CALL_TIMEOUT_S = 120.0
RETURN_TIMEOUT_S = 15.0

_KINDS = {
    Status.INVALID_ARGUMENT: errors.Invalid,
    Status.NOT_FOUND: errors.NotFound,
    Status.ALREADY_EXISTS: errors.Conflict,
    Status.FAILED_PRECONDITION: errors.Conflict,
    Status.UNIMPLEMENTED: errors.Unsupported,
    Status.UNAVAILABLE: errors.Unavailable,
    Status.DEADLINE_EXCEEDED: errors.Unavailable,
    Status.PERMISSION_DENIED: errors.Forbidden,
}
_LOST = (ConnectionError, OSError, StreamTerminatedError, ProtocolError)


@dataclass(frozen=True, slots=True)
class Stdio:
    """Where a process reads and writes, as Tasks.Create and Tasks.Exec take it."""

    stdin: str = ""
    stdout: str = ""
    stderr: str = ""
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Runtime:
    """What runs a container: the shim's name, and the program behind it or ''."""

    name: str
    binary: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A task as the supervisor sees it."""

    container_id: str
    pid: int
    alive: bool
    started: bool
    paused: bool
    exit_code: int
    exited_at_ns: int


class Tasks:
    """One connection to a supervisor; grpclib opens it anew when it is lost."""

    def __init__(self, address: str) -> None:
        """Nothing is connected yet; `address` is the path of a socket."""
        self.address = address
        self.serving = asyncio.Event()
        self._channel = TurnChannel(path=address)
        self._containers = ContainersStub(self._channel)
        self._tasks = TasksStub(self._channel)
        self._events = EventsStub(self._channel)
        self._about = {"containerd-namespace": NAMESPACE}

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    async def _call(self, method: _Method, request: object, limit_s: float = CALL_TIMEOUT_S) -> Any:  # noqa: ANN401 - the reply of the method
        try:
            return await method(request, timeout=limit_s, metadata=self._about)
        except GRPCError as e:
            kind = _KINDS.get(e.status, errors.System)
            raise kind(e.message or e.status.name) from e
        except TimeoutError as e:
            raise errors.Unavailable(f"the supervisor did not answer within {limit_s:g} s") from e

    async def _steady(self, call: Callable[[], Awaitable[T]]) -> T:
        """For calls that may be made twice: wait for the supervisor when it is gone."""
        return await self._once(call, _nothing)

    async def _once(
        self, call: Callable[[], Awaitable[T]], trace: Callable[[], Awaitable[T | None]]
    ) -> T:
        """For calls that take effect once: when the supervisor went away, look for a `trace`."""
        limit = asyncio.get_running_loop().time() + RETURN_TIMEOUT_S
        while True:
            try:
                return await call()
            except _LOST as e:
                if asyncio.get_running_loop().time() > limit:
                    raise errors.Unavailable(
                        f"the supervisor at {self.address} went away: {e!r}"
                    ) from e
            await self.returned()
            found = await trace()
            if found is not None:
                return found

    async def returned(self) -> None:
        """Wait until the supervisor serves again; Unavailable when it does not."""
        await asyncio.sleep(0.01)  # a lost connection is often seen before the death itself
        try:
            await asyncio.wait_for(self.serving.wait(), RETURN_TIMEOUT_S)
        except TimeoutError as e:
            raise errors.Unavailable(
                f"the supervisor at {self.address} does not answer",
                hint="see the daemon's log for why it ended",
            ) from e

    async def version(self) -> str:
        """The version of who serves."""
        from google.protobuf.empty_pb2 import Empty

        stub = version_grpc.VersionStub(self._channel)
        reply = await self._call(stub.Version, Empty(), 5.0)
        return str(reply.version)

    async def create(
        self,
        container_id: str,
        runtime: Runtime,
        spec: dict[str, Any],
        stdio: Stdio,
        labels: dict[str, str],
    ) -> int:
        """Make container and task; the program is not started yet. Returns its pid."""
        box = containers_pb2.Container(
            id=container_id,
            labels=labels,
            spec=AnyMessage(type_url=SPEC_TYPE, value=_json(spec)),
        )
        box.runtime.name = runtime.name
        options = _options(runtime)
        if options is not None:
            box.runtime.options.CopyFrom(options)
        await self._replace_container(box)
        request = tasks_pb2.CreateTaskRequest(
            container_id=container_id,
            stdin=stdio.stdin,
            stdout=stdio.stdout,
            stderr=stdio.stderr,
            terminal=stdio.terminal,
            options=options,
        )
        return await self._once(
            lambda: self._pid(self._tasks.Create, request), lambda: self._created(container_id)
        )

    async def _pid(self, method: _Method, request: object) -> int:
        return int((await self._call(method, request)).pid)

    async def _created(self, container_id: str) -> int | None:
        seen = await self.get(container_id)
        return None if seen is None else seen.pid

    async def _started(self, container_id: str, exec_id: str) -> int | None:
        seen = await self.get(container_id, exec_id)
        return seen.pid if seen is not None and seen.started else None

    async def _replace_container(self, box: containers_pb2.Container) -> None:
        request = containers_pb2.CreateContainerRequest(container=box)
        try:
            await self._steady(lambda: self._call(self._containers.Create, request))
        except errors.Conflict:  # left by a start that was cut short
            await self.delete(box.id)
            await self._steady(lambda: self._call(self._containers.Create, request))

    async def start(self, container_id: str, exec_id: str = "") -> int:
        """Start what create or exec made; returns the pid."""
        request = tasks_pb2.StartRequest(container_id=container_id, exec_id=exec_id)
        return await self._once(
            lambda: self._pid(self._tasks.Start, request),
            lambda: self._started(container_id, exec_id),
        )

    async def get(self, container_id: str, exec_id: str = "") -> Seen | None:
        """The task, or None."""
        request = tasks_pb2.GetRequest(container_id=container_id, exec_id=exec_id)
        try:
            reply = await self._steady(lambda: self._call(self._tasks.Get, request))
        except errors.NotFound:
            return None
        return _seen(reply.process)

    async def all(self) -> Sequence[Seen]:
        """All tasks."""
        request = tasks_pb2.ListTasksRequest()
        reply = await self._steady(lambda: self._call(self._tasks.List, request))
        return [_seen(process) for process in reply.tasks]

    async def container_ids(self) -> Sequence[str]:
        """All containers that the supervisor knows, with or without a task."""
        request = containers_pb2.ListContainersRequest()
        reply = await self._steady(lambda: self._call(self._containers.List, request))
        return [c.id for c in reply.containers]

    async def kill(
        self, container_id: str, signal: int, *, exec_id: str = "", everyone: bool = False
    ) -> None:
        """Send a signal; NotFound when the process is gone."""
        request = tasks_pb2.KillRequest(
            container_id=container_id, exec_id=exec_id, signal=signal, all=everyone
        )
        await self._steady(lambda: self._call(self._tasks.Kill, request))

    async def pause(self, container_id: str) -> None:
        """Freeze all its processes."""
        request = tasks_pb2.PauseTaskRequest(container_id=container_id)
        await self._steady(lambda: self._call(self._tasks.Pause, request))

    async def resume(self, container_id: str) -> None:
        """Thaw them."""
        request = tasks_pb2.ResumeTaskRequest(container_id=container_id)
        await self._steady(lambda: self._call(self._tasks.Resume, request))

    async def pids(self, container_id: str) -> list[int]:
        """All its processes."""
        request = tasks_pb2.ListPidsRequest(container_id=container_id)
        reply = await self._steady(lambda: self._call(self._tasks.ListPids, request))
        return [int(p.pid) for p in reply.processes]

    async def resize(self, container_id: str, exec_id: str, height: int, width: int) -> None:
        """Tell a terminal its size."""
        request = tasks_pb2.ResizePtyRequest(
            container_id=container_id, exec_id=exec_id, width=width, height=height
        )
        await self._steady(lambda: self._call(self._tasks.ResizePty, request))

    async def close_stdin(self, container_id: str, exec_id: str = "") -> None:
        """End a process' standard input."""
        request = tasks_pb2.CloseIORequest(container_id=container_id, exec_id=exec_id, stdin=True)
        with suppress(errors.NotFound):
            await self._steady(lambda: self._call(self._tasks.CloseIO, request))

    async def exec(
        self, container_id: str, exec_id: str, process: dict[str, Any], stdio: Stdio
    ) -> None:
        """Add a process to a running task; start() starts it."""
        request = tasks_pb2.ExecProcessRequest(
            container_id=container_id,
            exec_id=exec_id,
            stdin=stdio.stdin,
            stdout=stdio.stdout,
            stderr=stdio.stderr,
            terminal=stdio.terminal,
            spec=AnyMessage(type_url=PROCESS_TYPE, value=_json(process)),
        )
        await self._once(
            lambda: self._call(self._tasks.Exec, request),
            lambda: self.get(container_id, exec_id),  # added, and only the answer was lost
        )

    async def delete_process(self, container_id: str, exec_id: str) -> None:
        """Forget an ended exec."""
        request = tasks_pb2.DeleteProcessRequest(container_id=container_id, exec_id=exec_id)
        with suppress(errors.NotFound):
            await self._steady(lambda: self._call(self._tasks.DeleteProcess, request))

    async def delete(self, container_id: str) -> None:
        """Forget task and container, whatever is there; kills what still runs."""
        task = tasks_pb2.DeleteTaskRequest(container_id=container_id)
        try:
            await self._delete_task(task)
        except errors.Conflict:
            with suppress(errors.NotFound):
                await self.kill(container_id, 9, everyone=True)
            await self._ended(container_id)
            await self._delete_task(task)
        box = containers_pb2.DeleteContainerRequest(id=container_id)
        with suppress(errors.NotFound):
            await self._steady(lambda: self._call(self._containers.Delete, box))

    async def _delete_task(self, request: tasks_pb2.DeleteTaskRequest) -> None:
        with suppress(errors.NotFound):
            await self._steady(lambda: self._call(self._tasks.Delete, request))

    async def _ended(self, container_id: str) -> None:
        request = tasks_pb2.WaitRequest(container_id=container_id)
        with suppress(errors.BoxshipError):
            await self._steady(lambda: self._call(self._tasks.Wait, request, 10.0))

    async def events(self) -> AsyncGenerator[Envelope]:
        """The supervisor's events on tasks, until the connection is lost."""
        request = events_pb2.SubscribeRequest(filters=[f"namespace=={NAMESPACE},topic~=|^/tasks/|"])
        async with self._events.Subscribe.open(metadata=self._about) as stream:
            await stream.send_message(request, end=True)
            async for envelope in stream:
                yield envelope


async def _nothing() -> None:
    """No trace is looked for."""


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _options(runtime: Runtime) -> AnyMessage | None:
    if not runtime.binary:
        return None
    options = runc_options_pb2.Options(binary_name=runtime.binary)
    return AnyMessage(type_url=OPTIONS_TYPE, value=options.SerializeToString())


def nanoseconds(stamp: Timestamp) -> int:
    """A protobuf time as nanoseconds since 1970; 0 when it was not set."""
    return max(0, stamp.seconds) * 1_000_000_000 + stamp.nanos


def _seen(process: task_pb2.Process) -> Seen:
    status = process.status
    alive = status in (task_pb2.CREATED, task_pb2.RUNNING, task_pb2.PAUSED, task_pb2.PAUSING)
    return Seen(
        container_id=process.container_id or process.id,
        pid=process.pid,
        alive=alive,
        started=status not in (task_pb2.CREATED, task_pb2.UNKNOWN),
        paused=status in (task_pb2.PAUSED, task_pb2.PAUSING),
        exit_code=process.exit_status,
        exited_at_ns=nanoseconds(process.exited_at),
    )
