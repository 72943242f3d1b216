"""The gRPC server, asked by grpclib's client over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.protobuf.empty_pb2 import Empty
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from boxship.api.containerd import containers_pb2 as api
from boxship.api.containerd.containers_grpc import ContainersStub
from boxship.api.shim.client import CallFailed
from boxship.model.errors import Conflict, Invalid, NotFound, System, Unavailable, Unsupported
from boxship.supervisor.grpc import MAX_MESSAGE, Call, GrpcServer, Service
from boxship.supervisor.status import Exists, status_of

ERRORS = {
    "exists": Exists("container web"),
    "conflict": Conflict("it runs"),
    "missing": NotFound("container web"),
    "wrong": Invalid("id"),
    "later": Unavailable("zygote"),
    "never": Unsupported("checkpoint", hint="ask \N{SNOWMAN} 100% later\n"),
    "system": System("disk"),
    "shim": CallFailed(9, "as the shim said it"),
    "bug": KeyError("bug"),
}


class Containers(Service):
    descriptor = api.DESCRIPTOR.services_by_name["Containers"]

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def Get(self, call: Call, request: api.GetContainerRequest) -> api.GetContainerResponse:
        if request.id in ERRORS:
            raise ERRORS[request.id]
        if request.id == "large":
            return api.GetContainerResponse(container=api.Container(image="x" * MAX_MESSAGE))
        if request.id == "forever":
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        return api.GetContainerResponse(
            container=api.Container(id=request.id, image=call.namespace)
        )

    async def ListStream(
        self, _: Call, request: api.ListContainersRequest
    ) -> AsyncIterator[api.ListContainerMessage]:
        for number in range(3):
            yield api.ListContainerMessage(container=api.Container(id=str(number)))
        if request.filters:
            raise ERRORS[request.filters[0]]


@pytest.fixture
def service() -> Containers:
    return Containers()


@pytest.fixture
async def channel(tmp_path: Path, service: Containers) -> AsyncIterator[Channel]:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "s"))
    server = GrpcServer([service])
    await server.start(sock)
    channel = Channel(path=str(tmp_path / "s"))
    yield channel
    channel.close()
    await server.close()


IN_MOBY = {"containerd-namespace": "moby"}


async def test_a_call_is_answered(channel: Channel) -> None:
    stub = ContainersStub(channel)
    reply = await stub.Get(api.GetContainerRequest(id="web"), metadata=IN_MOBY)
    assert (reply.container.id, reply.container.image) == ("web", "moby")


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("exists", Status.ALREADY_EXISTS, "container web: already exists"),
        ("conflict", Status.FAILED_PRECONDITION, "it runs: failed precondition"),
        ("missing", Status.NOT_FOUND, "container web: not found"),
        ("wrong", Status.INVALID_ARGUMENT, "id: invalid argument"),
        ("later", Status.UNAVAILABLE, "zygote: unavailable"),
        (
            "never",
            Status.UNIMPLEMENTED,
            "checkpoint: ask \N{SNOWMAN} 100% later\n: not implemented",
        ),
        ("system", Status.UNKNOWN, "disk"),
        ("shim", Status.FAILED_PRECONDITION, "as the shim said it"),
        ("bug", Status.UNKNOWN, "'bug'"),
        ("large", Status.RESOURCE_EXHAUSTED, "larger than max"),
    ],
)
async def test_an_error_is_a_status(
    channel: Channel, name: str, status: Status, text: str
) -> None:
    with pytest.raises(GRPCError) as caught:
        await ContainersStub(channel).Get(api.GetContainerRequest(id=name))
    assert caught.value.status is status
    assert text in str(caught.value.message)


async def test_a_namespace_is_required(channel: Channel) -> None:
    with pytest.raises(GRPCError) as caught:
        await ContainersStub(channel).Get(api.GetContainerRequest(id="web"))
    assert caught.value.status is Status.FAILED_PRECONDITION
    assert caught.value.message == "namespace is required: failed precondition"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/containerd.services.images.v1.Images/List", "unknown service containerd.services.images"),
        ("/containerd.services.containers.v1.Containers/Nope", "unknown method Nope for service"),
        ("/containerd.services.containers.v1.Containers/List", "unknown method List for service"),
        ("/nonsense", "unknown service"),
    ],
)
async def test_what_is_not_there_is_unimplemented_in_form(
    channel: Channel, path: str, text: str
) -> None:
    """grpclib's client insists on status 200 and the content type, as Go's does."""
    method = UnaryUnaryMethod(channel, path, Empty, Empty)
    with pytest.raises(GRPCError) as caught:
        await method(Empty())
    assert caught.value.status is Status.UNIMPLEMENTED
    assert text in str(caught.value.message)


async def test_a_stream_ends_with_its_status(channel: Channel) -> None:
    stub = ContainersStub(channel)
    found = await stub.ListStream(api.ListContainersRequest())
    assert [message.container.id for message in found] == ["0", "1", "2"]
    got = []
    with pytest.raises(GRPCError) as caught:
        async with stub.ListStream.open() as stream:
            await stream.send_message(api.ListContainersRequest(filters=["conflict"]), end=True)
            async for message in stream:
                got.append(message.container.id)  # noqa: PERF401  # it ends with an error
    assert got == ["0", "1", "2"]
    assert caught.value.status is Status.FAILED_PRECONDITION


async def test_a_message_that_is_too_large_is_refused(channel: Channel) -> None:
    with pytest.raises((GRPCError, StreamTerminatedError)):
        await ContainersStub(channel).Get(api.GetContainerRequest(id="x" * (MAX_MESSAGE + 1)))
    await ContainersStub(channel).Get(api.GetContainerRequest(id="web"), metadata=IN_MOBY)


async def test_a_client_that_goes_away_cancels_its_call(
    channel: Channel, service: Containers
) -> None:
    call = asyncio.ensure_future(
        ContainersStub(channel).Get(api.GetContainerRequest(id="forever"))
    )
    await asyncio.sleep(0.05)
    call.cancel()
    await asyncio.wait_for(service.cancelled.wait(), 5)


async def test_a_deadline_ends_the_call_on_the_server_too(
    channel: Channel, service: Containers
) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await ContainersStub(channel).Get(api.GetContainerRequest(id="forever"), timeout=0.1)
    await asyncio.wait_for(service.cancelled.wait(), 5)


async def test_many_calls_at_once(channel: Channel) -> None:
    stub = ContainersStub(channel)
    asked = [stub.Get(api.GetContainerRequest(id=str(n)), metadata=IN_MOBY) for n in range(100)]
    assert [reply.container.id for reply in await asyncio.gather(*asked)] == [
        str(n) for n in range(100)
    ]


def test_a_hint_follows_the_sentence() -> None:
    assert status_of(Conflict("it runs", hint="stop it")) == (9, "it runs: stop it: failed precondition")
