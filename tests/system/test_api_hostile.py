"""Requests that no good client sends: the daemon answers them all, and is none the worse for it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from boxship.api.docker.container import CreateRequest
from boxship.api.docker.host_config import HostConfig
from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from suites.docker_client import Docker
    from suites.engine_deaths import Engine

pytestmark = pytest.mark.root

NONSENSE = (
    *(None, 0, -1, 1.5, 2**63 - 1, 2**70, True, "", "x", "a\x00b", "ü" * 300, "-1", "nan"),
    *([], {}, [None], ["x"], [["x"]], [{}], {"": None}, {"x": "y"}, {"x": ["y"]}, {"80/tcp": [{}]}),
)
TAKEN, REFUSED = (201,), (400, 404, 409, 501)


def try_to_create(engine: Engine, document: dict[str, Any]) -> None:
    status, answer = engine.ask("POST", "/containers/create", document)
    assert status in TAKEN + REFUSED, (document, answer)
    if status in TAKEN:
        told, shown = engine.ask("GET", f"/containers/{answer['Id']}/json")
        assert told == 200, (document, shown)
        assert engine.ask("GET", "/containers/json?all=1")[0] == 200, document
        assert engine.ask("DELETE", f"/containers/{answer['Id']}?v=1")[0] == 204
    else:
        assert answer["message"], document


@pytest.mark.parametrize("name", [n for n in CreateRequest.__struct_fields__ if n != "Image"])
def test_nonsense_in_a_field_of_a_container(docker: Docker, name: str) -> None:
    for value in NONSENSE:
        try_to_create(docker.engine, {"Image": IMAGE, "Cmd": ["true"], name: value})


@pytest.mark.parametrize("name", HostConfig.__struct_fields__)
def test_nonsense_in_a_field_of_its_host(docker: Docker, name: str) -> None:
    for value in NONSENSE:
        document = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {name: value}}
        try_to_create(docker.engine, document)


def test_names_that_are_no_names(docker: Docker) -> None:
    engine = docker.engine
    for name in (
        "%00",
        "..",
        "%2e%2e%2fetc",
        "a%2Fb",
        "%ff",
        "x" * 5000,
        "%0d%0aX:%20y",
        "'",
        "%25",
    ):
        for path in (f"/containers/{name}/json", f"/images/{name}/json", f"/volumes/{name}"):
            status, answer = engine.ask("GET", path)
            assert status in (400, 404), (path, answer)
        assert engine.ask("DELETE", f"/volumes/{name}")[0] in (400, 404)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /info HTTP/1.1\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n",
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET //info HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: d\r\n\r\n",
        b"GET /v1.99999999999999999999/info HTTP/1.1\r\nHost: d\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_what_is_no_http_harms_nobody(docker: Docker, request_: bytes) -> None:
    path = docker.engine.environment()["DOCKER_HOST"].removeprefix("unix://")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        client.sendall(request_)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    assert docker.engine.ask("GET", "/_ping")[0] == 200
