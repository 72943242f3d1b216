"""Calls a shim's Task service over ttrpc; many calls at once on one connection.

The connection ends when the shim ends: `closed` is how a dead shim is seen.
"""

import asyncio
from typing import TYPE_CHECKING, TypeVar, cast

from google.protobuf import empty_pb2

from boxship.api.shim import task_pb2 as task
from boxship.model.errors import BoxshipError, Unavailable
from boxship.wire import ttrpc

if TYPE_CHECKING:
    import socket
    from typing import Protocol

    class _Message(Protocol):
        def SerializeToString(self) -> bytes: ...  # noqa: N802

    class _Reply(Protocol):
        @classmethod
        def FromString(cls, data: bytes, /) -> "_Reply": ...  # noqa: N802


R = TypeVar("R", bound="_Reply")

TASK_V2 = "containerd.task.v2.Task"
TASK_V3 = "containerd.task.v3.Task"  # the same messages under another name
NAMESPACE = "containerd-namespace-ttrpc"


class CallFailed(BoxshipError):
    """The shim answered with an error: `code` is a gRPC status code."""

    def __init__(self, code: int, message: str) -> None:
        """As the shim said it."""
        super().__init__(message)
        self.code = code


class ShimGone(Unavailable):
    """The connection to the shim ended; with it, most likely, the shim."""


class Connection(asyncio.Protocol):
    """One ttrpc connection, the calling side."""

    def __init__(self) -> None:
        """Becomes usable by `connect`."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._decoder = ttrpc.Decoder()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._next = 1
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: hand each answer to its call."""
        for message in self._decoder.feed(data):
            waiter = self._waiting.pop(message.stream, None)
            if waiter is None or waiter.done():
                continue
            if isinstance(message, ttrpc.Response) and message.code == ttrpc.OK:
                waiter.set_result(message.payload)
            elif isinstance(message, (ttrpc.Response, ttrpc.Refused)):
                waiter.set_exception(CallFailed(message.code, message.message))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: every call that waits fails, and `closed` is set."""
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting.values():
            if not waiter.done():
                waiter.set_exception(ShimGone("the shim closed the connection"))
        if not self.closed.done():
            self.closed.set_result(None)

    async def call(
        self,
        method: tuple[str, str],
        payload: bytes,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> bytes:
        """The answer to one call; CallFailed, or ShimGone."""
        if self._transport is None or self.closed.done() or self._transport.is_closing():
            raise ShimGone("the connection to the shim is closed")
        stream, self._next = self._next, self._next + 2
        request = ttrpc.encode_request(stream, method, payload, metadata=metadata)
        waiter: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[stream] = waiter
        self._transport.write(request)
        try:
            return await waiter
        finally:
            self._waiting.pop(stream, None)

    def close(self) -> None:
        """Hang up; the shim goes on."""
        if self._transport is not None:
            self._transport.close()


async def connect(sock: "socket.socket") -> Connection:
    """Speak ttrpc on a connected, non-blocking socket, which becomes the connection's."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_unix_connection(Connection, sock=sock)
    return connection


class TaskClient:
    """The Task service of one shim, in one containerd namespace."""

    def __init__(self, connection: Connection, namespace: str, service: str = TASK_V2) -> None:
        """`service` is TASK_V2 or TASK_V3."""
        self.connection = connection
        self._service = service
        self._metadata = ((NAMESPACE, namespace),)

    @property
    def closed(self) -> "asyncio.Future[None]":
        """Done when the connection ended."""
        return self.connection.closed

    async def _call(self, name: str, request: "_Message", reply: type[R]) -> R:
        payload = request.SerializeToString()
        answer = await self.connection.call((self._service, name), payload, self._metadata)
        return reply.FromString(answer)  # type: ignore[return-value]

    async def state(self, request: task.StateRequest) -> task.StateResponse:
        """What a process is now."""
        return await self._call("State", request, task.StateResponse)

    async def create(self, request: task.CreateTaskRequest) -> task.CreateTaskResponse:
        """Make the container up to, not including, its program."""
        return await self._call("Create", request, task.CreateTaskResponse)

    async def start(self, request: task.StartRequest) -> task.StartResponse:
        """Let the init process, or an added one, run."""
        return await self._call("Start", request, task.StartResponse)

    async def delete(self, request: task.DeleteRequest) -> task.DeleteResponse:
        """Forget a process that ended."""
        return await self._call("Delete", request, task.DeleteResponse)

    async def pids(self, request: task.PidsRequest) -> task.PidsResponse:
        """Every process in the container."""
        return await self._call("Pids", request, task.PidsResponse)

    async def pause(self, request: task.PauseRequest) -> None:
        """Freeze the container."""
        await self._call("Pause", request, empty_pb2.Empty)

    async def resume(self, request: task.ResumeRequest) -> None:
        """Thaw it."""
        await self._call("Resume", request, empty_pb2.Empty)

    async def kill(self, request: task.KillRequest) -> None:
        """Send a signal."""
        await self._call("Kill", request, empty_pb2.Empty)

    async def exec(self, request: task.ExecProcessRequest) -> None:
        """Add a process; `start` runs it."""
        await self._call("Exec", request, empty_pb2.Empty)

    async def resize_pty(self, request: task.ResizePtyRequest) -> None:
        """Set a terminal's size."""
        await self._call("ResizePty", request, empty_pb2.Empty)

    async def close_io(self, request: task.CloseIORequest) -> None:
        """Close a process' stdin."""
        await self._call("CloseIO", request, empty_pb2.Empty)

    async def update(self, request: task.UpdateTaskRequest) -> None:
        """Change limits."""
        await self._call("Update", request, empty_pb2.Empty)

    async def wait(self, request: task.WaitRequest) -> task.WaitResponse:
        """Answered when the process ends."""
        return await self._call("Wait", request, task.WaitResponse)

    async def stats(self, request: task.StatsRequest) -> task.StatsResponse:
        """Measurements of the container's cgroup."""
        return await self._call("Stats", request, task.StatsResponse)

    async def connect(self, request: task.ConnectRequest) -> task.ConnectResponse:
        """The pids of shim and task."""
        return await self._call("Connect", request, task.ConnectResponse)

    async def shutdown(self, request: task.ShutdownRequest) -> None:
        """Ask the shim to end; an ended connection is the answer too."""
        try:
            await self._call("Shutdown", request, empty_pb2.Empty)
        except ShimGone:
            return
