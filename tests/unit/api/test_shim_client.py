"""ttrpc client and server, at the two ends of one socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boxship.api.containerd.event_pb2 import Envelope
from boxship.api.shim.client import CallFailed, Connection, ShimGone, TaskClient, connect
from boxship.api.shim.events_forward_pb2 import ForwardRequest
from boxship.api.shim.server import FORWARD, TtrpcServer, events_handlers
from boxship.api.shim.task_pb2 import StateRequest, StateResponse
from boxship.wire import ttrpc

ECHO, FAIL, NEVER = ("test", "Echo"), ("test", "Fail"), ("test", "Never")


async def echo(payload: bytes) -> bytes:
    await asyncio.sleep(0.02 if payload == b"slow" else 0)
    return payload


async def fail(payload: bytes) -> bytes:
    raise CallFailed(ttrpc.NOT_FOUND, payload.decode())


async def never(_: bytes) -> bytes:
    await asyncio.Event().wait()
    return b""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TtrpcServer]:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "s"))
    server = TtrpcServer({ECHO: echo, FAIL: fail, NEVER: never})
    await server.start(sock)
    yield server
    await server.close()


@pytest.fixture
async def connection(server: TtrpcServer, tmp_path: Path) -> AsyncIterator[Connection]:
    sock = socket.socket(socket.AF_UNIX)
    sock.setblocking(False)
    sock.connect(str(tmp_path / "s"))
    connection = await connect(sock)
    yield connection
    connection.close()
    await connection.closed


async def test_answers_find_their_calls_in_any_order(connection: Connection) -> None:
    calls = [connection.call(ECHO, text) for text in (b"slow", b"quick", b"slow", b"")]
    assert await asyncio.gather(*calls) == [b"slow", b"quick", b"slow", b""]


async def test_an_error_keeps_code_and_text(connection: Connection) -> None:
    with pytest.raises(CallFailed, match="no such task") as caught:
        await connection.call(FAIL, b"no such task")
    assert caught.value.code == ttrpc.NOT_FOUND


async def test_a_method_that_is_not_there(connection: Connection) -> None:
    with pytest.raises(CallFailed, match="/test/Nope is not served here") as caught:
        await connection.call(("test", "Nope"), b"")
    assert caught.value.code == ttrpc.UNIMPLEMENTED


async def test_the_end_of_the_peer_ends_every_call(
    connection: Connection, server: TtrpcServer
) -> None:
    waiting = [asyncio.ensure_future(connection.call(NEVER, b"")) for _ in range(3)]
    await asyncio.sleep(0)
    await connection.call(ECHO, b"")
    await server.close()
    for call in waiting:
        with pytest.raises(ShimGone):
            await call
    await connection.closed
    with pytest.raises(ShimGone):
        await connection.call(ECHO, b"")


async def test_a_call_that_nobody_waits_for_leaves_nothing(connection: Connection) -> None:
    call = asyncio.ensure_future(connection.call(NEVER, b""))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert not connection._waiting


async def test_typed_methods_carry_the_namespace() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    connection = await connect(ours)
    call = asyncio.ensure_future(TaskClient(connection, "moby").state(StateRequest(id="web")))
    data = await asyncio.get_running_loop().sock_recv(theirs, 4096)
    (request,) = ttrpc.Decoder().feed(data)
    assert isinstance(request, ttrpc.Request)
    assert (request.service, request.method) == ("containerd.task.v2.Task", "State")
    assert request.metadata == [("containerd-namespace-ttrpc", "moby")]
    answer = StateResponse(id="web", pid=7).SerializeToString()
    theirs.send(ttrpc.encode_response(request.stream, answer))
    assert (await call).pid == 7
    connection.close()
    theirs.close()
    await connection.closed


async def test_forwarded_events_reach_the_taker() -> None:
    taken: list[Envelope] = []
    handler = events_handlers(taken.append)[FORWARD]
    envelope = Envelope(namespace="moby", topic="/tasks/exit")
    assert await handler(ForwardRequest(envelope=envelope).SerializeToString()) == b""
    assert taken == [envelope]
