"""The HTTP border: versions, unknown paths, errors as JSON, and connections that misbehave."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from boxship.api.docker.container import CreateRequest
from boxship.daemon import reply
from boxship.daemon.http import ApiServer, carry_through
from boxship.daemon.router import Router, split_version
from boxship.daemon.routes import absent
from boxship.model import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from boxship.daemon.request import Request


async def _ok(request: Request) -> web.Response:
    return reply.json({"version": request.version, "names": request.names})


async def _fails(request: Request) -> web.Response:
    raise getattr(errors, request.names["kind"])("it failed", hint="try again")


async def _broken(_: Request) -> web.Response:
    return reply.json(1 // 0)


async def _create(request: Request) -> web.Response:
    body = await request.document(CreateRequest)
    return reply.json({"Image": body.Image}, 201)


ROUTES = [
    ("GET", "/info", _ok),
    ("GET", "/images/{name...}/json", _ok),
    ("GET", "/containers/{id}/json", _ok),
    ("GET", "/fails/{kind}", _fails),
    ("GET", "/broken", _broken),
    ("POST", "/containers/create", _create),
    *absent.routes(),
]


class Wire:
    """A raw connection: what goes over it is the point."""

    def __init__(self, path: str) -> None:
        self.path = path

    async def say(self, text: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(text)
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            (int(line[16:]) for line in head.splitlines() if line[:15] == b"Content-Length:"), 0
        )
        body = await reader.readexactly(size)
        writer.close()
        return head + body

    async def get(self, path: str) -> tuple[int, object]:
        return self.parsed(await self.say(f"GET {path} HTTP/1.1\r\nHost: d\r\n\r\n".encode()))

    async def post(
        self, path: str, body: bytes, kind: str = "application/json"
    ) -> tuple[int, object]:
        head = f"POST {path} HTTP/1.1\r\nHost: d\r\nContent-Type: {kind}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        return self.parsed(await self.say(head.encode() + body))

    @staticmethod
    def parsed(answer: bytes) -> tuple[int, object]:
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if body.startswith((b"{", b"[")) else body


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    server = ApiServer(ROUTES)
    await server.listen([f"unix://{tmp_path}/api.sock"])
    yield Wire(f"{tmp_path}/api.sock")
    await server.stop()


async def test_a_version_in_the_path_is_stripped_and_known(wire: Wire) -> None:
    assert await wire.get("/v1.40/info") == (200, {"version": [1, 40], "names": {}})
    assert await wire.get("/info") == (200, {"version": [1, 50], "names": {}})


async def test_a_refused_upgrade_ends_the_connection_rather_than_leave_it_deaf(wire: Wire) -> None:
    reader, writer = await asyncio.open_unix_connection(wire.path)
    upgrade = b"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n"
    writer.write(b"POST /nowhere HTTP/1.1\r\nHost: d\r\n" + upgrade + b"\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nConnection: close\r\n" in answer
    writer.close()


async def test_clients_too_new_and_too_old_are_told_so_in_dockers_words(wire: Wire) -> None:
    assert await wire.get("/v1.99/info") == (
        400,
        {"message": "client version 1.99 is too new. Maximum supported API version is 1.50"},
    )
    assert await wire.get("/v1.23/info") == (
        400,
        b"client version 1.23 is too old. Minimum supported API version is 1.24, "
        b"please upgrade your client to a newer version\n",
    )


async def test_an_unknown_path_is_not_found_in_json(wire: Wire) -> None:
    for path in ("/v1.50/nope", "/nope", "/v1.50/info/", "/v1.99/nope", "/containers//json"):
        assert await wire.get(path) == (404, {"message": "page not found"})


async def test_names_of_images_hold_slashes_those_of_containers_do_not(wire: Wire) -> None:
    status, answer = await wire.get("/v1.50/images/127.0.0.1:5000/a/b:1/json")
    assert (status, answer) == (
        200,
        {"version": [1, 50], "names": {"name": "127.0.0.1:5000/a/b:1"}},
    )
    assert (await wire.get("/v1.50/containers/a/b/json"))[0] == 404


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Invalid", 400),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("Conflict", 409),
        ("System", 500),
        ("Unsupported", 501),
        ("Unavailable", 503),
    ],
)
async def test_the_kind_of_an_error_is_its_status(wire: Wire, kind: str, status: int) -> None:
    assert await wire.get(f"/fails/{kind}") == (status, {"message": "it failed: try again"})


async def test_not_modified_has_no_body(wire: Wire) -> None:
    assert await wire.get("/fails/NotModified") == (304, b"")


async def test_a_fault_of_ours_is_a_500_that_says_where_to_look(wire: Wire) -> None:
    status, answer = await wire.get("/broken")
    assert status == 500
    assert answer == {
        "message": "internal error: ZeroDivisionError: integer division or modulo by zero: "
        "the daemon's log has the details"
    }


async def test_what_the_host_refuses_is_said_with_its_place() -> None:
    assert reply.message_of(FileNotFoundError(2, "No such file or directory", "/x")) == (
        "/x: no such file or directory"
    )
    assert reply.status_of(PermissionError(13, "Permission denied")) == 500


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "invalid JSON: unexpected EOF"),
        (b"  ", "invalid JSON: got EOF while reading request body"),
        (b"{} {}", "unexpected content after JSON"),
        (
            b"[]",
            "invalid JSON: json: cannot unmarshal array into Go value "
            "of type container.CreateRequest",
        ),
        (
            b'{"Image":1}',
            "invalid JSON: json: cannot unmarshal number into Go struct field .Image "
            "of type string",
        ),
        (
            b'{"Image":"x","HostConfig":{"Memory":"x"}}',
            "invalid JSON: json: cannot unmarshal string into Go struct field "
            ".HostConfig.Memory of type int64",
        ),
    ],
)
async def test_bad_json_is_refused_in_dockers_words(wire: Wire, body: bytes, message: str) -> None:
    assert await wire.post("/v1.50/containers/create", body) == (400, {"message": message})


async def test_json_must_be_called_json(wire: Wire) -> None:
    kind = "application/x-www-form-urlencoded"
    assert await wire.post("/v1.50/containers/create", b"{}", kind) == (
        400,
        {"message": f"unsupported Content-Type header ({kind}): must be 'application/json'"},
    )
    status, _ = await wire.post("/containers/create", b"{}", "application/json; charset=utf-8")
    assert status == 201


async def test_deep_and_huge_documents_are_refused(wire: Wire) -> None:
    deep = b'{"Healthcheck":' * 100_000
    assert (await wire.post("/containers/create", deep))[0] == 400
    huge = b'{"Image":"' + b"x" * (5 << 20) + b'"}'
    assert await wire.post("/containers/create", huge) == (
        400,
        {"message": "request body is larger than 4194304 bytes"},
    )


async def test_header_bombs_are_refused(wire: Wire) -> None:
    bomb = b"GET /info HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) + b"\r\n"
    assert (await wire.say(bomb)).startswith(b"HTTP/1.0 400 ")
    long = b"GET /info HTTP/1.1\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n"
    assert (await wire.say(long)).startswith(b"HTTP/1.0 400 ")


async def test_outside_a_swarm_its_paths_say_how_to_make_one(wire: Wire) -> None:
    assert await wire.get("/v1.50/nodes") == (503, {"message": absent.NO_MANAGER})
    assert (await wire.get("/v1.50/services/x/logs"))[0] == 503
    assert (await wire.get("/v1.50/images/a/b/get"))[0] == 501


async def test_a_second_daemon_on_a_socket_is_refused(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/api.sock"
    first, second = ApiServer([]), ApiServer([])
    await first.listen([host])
    with pytest.raises(errors.Conflict, match="another daemon does"):
        await second.listen([host])
    await first.stop()
    await second.listen([host])  # what the first left behind is stale, and replaced
    await second.stop()


async def test_work_is_carried_through_when_the_client_goes_away(tmp_path: Path) -> None:
    begun, done = asyncio.Event(), asyncio.Event()
    goes_on = asyncio.Event()

    async def work() -> None:
        begun.set()
        await goes_on.wait()
        done.set()

    async def stop(_: Request) -> web.Response:
        await carry_through(work())
        return reply.empty()

    server = ApiServer([("POST", "/stop", stop)])
    await server.listen([f"unix://{tmp_path}/api.sock"])
    _, writer = await asyncio.open_unix_connection(f"{tmp_path}/api.sock")
    writer.write(b"POST /stop HTTP/1.1\r\nHost: d\r\n\r\n")
    await begun.wait()
    writer.transport.abort()
    goes_on.set()
    await asyncio.wait_for(done.wait(), 5)
    await server.stop()


def test_the_first_of_two_routes_wins_and_dots_are_dots() -> None:
    router = Router([("GET", "/a/{x}", _ok), ("GET", "/a/{y...}", _broken)])
    assert router.find("GET", "/a/b") == (_ok, {"x": "b"})
    assert router.find("GET", "/a/b/c") == (_broken, {"y": "b/c"})
    assert router.find("POST", "/a/b") is None
    assert split_version("/v1x50/info") == (None, "/v1x50/info")
    assert split_version("/version") == (None, "/version")
