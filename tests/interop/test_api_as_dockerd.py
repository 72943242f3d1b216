"""The same requests to a real dockerd and to us: status and words are the same, or it says why not.

Needs a dockerd of version 28: the path of its socket in BOXSHIP_INTEROP_DOCKERD.  What is made
there has names of ours; nothing is pruned.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from suites import engine_deaths
from suites.cli_world import busybox_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERD = os.environ.get("BOXSHIP_INTEROP_DOCKERD", "")
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKERD, reason="BOXSHIP_INTEROP_DOCKERD names no dockerd"),
]

IMAGE = "boxship-interop:1"
ONE, TWO = "boxship-interop-1", "boxship-interop-2"

# A request that dockerd answers with 500 because a value of it makes no sense is a 400 here.
FAULT_OF_THE_CLIENT = "dockerd says 500 to a wrong value"

# method, path, body; C stands for a container that runs.
SAME: list[tuple[str, str, Any]] = [
    ("POST", "/containers/create", "{"),
    ("POST", "/containers/create", ""),
    ("POST", "/containers/create", "[]"),
    ("POST", "/containers/create", '"x"'),
    ("POST", "/containers/create", "null"),
    ("POST", "/containers/create", "{} {}"),
    ("POST", "/containers/create", {"Image": 1}),
    ("POST", "/containers/create", {"Image": "boxship-nope"}),
    ("POST", "/containers/create", {"Image": "UPPER"}),
    ("POST", "/containers/create", {"Image": IMAGE, "HostConfig": {"Memory": "x"}}),
    *(
        ("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["x"], "HostConfig": host})
        for host in (
            {"Memory": 1},
            {"NanoCpus": 99 * 10**9},
            {"ShmSize": -1},
            {"OomScoreAdj": 5000},
            {"RestartPolicy": {"Name": "foo"}},
            {"AutoRemove": True, "RestartPolicy": {"Name": "always"}},
            {"CapAdd": ["FOO"]},
            {"PidMode": "foo"},
            {"IpcMode": "foo"},
            {"Isolation": "hyperv"},
            {"PortBindings": {"x/tcp": [{}]}},
            {"PortBindings": {"80/tcp": [{"HostPort": "99999"}]}},
            {"Mounts": [{"Type": "bind", "Source": "/nonexistent-x", "Target": "/x"}]},
        )
    ),
    ("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["x"], "StopSignal": "FOO"}),
    ("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["x"], "WorkingDir": "rel"}),
    ("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["x"], "Env": ["=x"]}),
    ("POST", "/containers/create?name=a%20b", {"Image": IMAGE, "Cmd": ["x"]}),
    ("POST", f"/containers/create?name={ONE}", {"Image": IMAGE, "Cmd": ["x"]}),
    ("POST", "/containers/C/start", None),
    ("POST", "/containers/nope/start", None),
    ("POST", "/containers/C/kill?signal=FOO", None),
    ("POST", "/containers/C/resize?h=x&w=3", None),
    ("POST", "/containers/C/resize", None),
    ("POST", "/containers/C/unpause", None),
    ("POST", "/containers/C/rename", None),
    ("POST", "/containers/C/rename?name=a%20b", None),
    ("POST", f"/containers/C/rename?name={ONE}", None),
    ("POST", f"/containers/C/rename?name={TWO}", None),
    ("POST", "/containers/C/wait?condition=foo", None),
    ("POST", "/containers/C/exec", None),
    ("POST", "/containers/C/exec", {}),
    ("POST", f"/containers/{TWO}/exec", {"Cmd": ["x"]}),
    ("POST", f"/containers/{TWO}/kill", None),
    ("POST", f"/containers/{TWO}/stop", None),
    ("POST", f"/containers/{TWO}/pause", None),
    ("POST", f"/containers/{TWO}/resize?h=1&w=1", None),
    ("GET", f"/containers/{TWO}/top", None),
    ("POST", f"/containers/{TWO}/wait", None),
    ("DELETE", f"/containers/{ONE}", None),
    ("DELETE", "/containers/nope", None),
    ("GET", "/containers/nope/json", None),
    ("GET", "/containers/C/logs", None),
    ("GET", "/containers/json?filters=x", None),
    *(
        ("GET", f"/containers/json?filters={quote(json.dumps(filters))}", None)
        for filters in (
            {"foo": ["x"]},
            {"status": ["x"]},
            {"health": ["x"]},
            {"exited": ["x"]},
            {"before": ["x"]},
            {"is-task": ["x"]},
            {"name": ["boxship-nobody"]},
        )
    ),
    ("POST", "/exec/nope/start", {}),
    ("GET", "/exec/nope/json", None),
    ("GET", "/images/boxship-nope/json", None),
    ("GET", "/images/UPPER/json", None),
    ("POST", "/images/boxship-nope/tag?repo=x", None),
    ("DELETE", "/images/boxship-nope", None),
    ("DELETE", f"/images/{IMAGE}", None),
    ("POST", "/images/create?fromImage=UPPER", None),
    ("POST", "/images/create?fromImage=127.0.0.1:1/x&tag=1", None),
    ("GET", f"/images/json?filters={quote(json.dumps({'dangling': ['x']}))}", None),
    ("GET", "/networks/bridge?verbose=x", None),
    ("DELETE", "/networks/bridge", None),
    ("DELETE", "/networks/none", None),
    ("GET", "/volumes/boxship-nope", None),
    ("DELETE", "/volumes/boxship-nope", None),
    ("POST", "/volumes/create", {"Name": "a b"}),
    ("GET", "/system/df?type=foo", None),
    ("GET", "/swarm", None),
    ("GET", "/nodes", None),
    ("GET", "/services/x", None),
    ("GET", "/tasks", None),
    ("GET", "/secrets", None),
    ("GET", "/configs/x", None),
    ("POST", "/swarm/leave", None),
    ("GET", "/plugins/x/json", None),
    ("GET", "/nope", None),
    ("PUT", "/containers/json", None),
]

OTHER: list[tuple[str, str, Any, str]] = [
    ("POST", "/containers/C/stop?t=x", None, FAULT_OF_THE_CLIENT),
    ("POST", "/containers/C/stop?signal=FOO", None, FAULT_OF_THE_CLIENT),
    ("GET", "/containers/C/logs?stdout=1&since=x", None, FAULT_OF_THE_CLIENT),
    ("GET", "/containers/json?limit=x", None, FAULT_OF_THE_CLIENT),
    ("GET", "/events?since=x", None, FAULT_OF_THE_CLIENT),
]


class Daemon:
    """A socket to ask."""

    def __init__(self, path: str) -> None:
        self.path = path

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401
        version: str = "1.50",
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(self.path)
        try:
            kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
            data = body if isinstance(body, str | bytes) else json.dumps(body)
            headers = {} if body is None else {"Content-Type": kind}
            path = f"/v{version}{path.replace('/C/', f'/{ONE}/')}"
            connection.request(method, path, None if body is None else data, headers)
            answer = connection.getresponse()
            return answer.status, _plain(answer.read())
        finally:
            connection.close()

    def prepare(self) -> None:
        """The image, a container that runs, and one that never did."""
        self.clear()
        repository, _, tag = IMAGE.partition(":")
        query = f"fromSrc=-&repo={repository}&tag={tag}"
        assert self.ask("POST", f"/images/create?{query}", busybox_archive())[0] == 200
        for name in (ONE, TWO):
            config = {"Image": IMAGE, "Cmd": ["sleep", "1000"]}
            status, answer = self.ask("POST", f"/containers/create?name={name}", config)
            assert status == 201, answer
        assert self.ask("POST", f"/containers/{ONE}/start")[0] == 204

    def clear(self) -> None:
        """Nothing of these tests is left."""
        for name in (ONE, TWO):
            self.ask("DELETE", f"/containers/{name}?force=1")
        self.ask("DELETE", f"/images/{IMAGE}?force=1")


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Daemon, Daemon]]:
    with engine_deaths.engine() as engine:
        theirs, ours = Daemon(DOCKERD), Daemon(engine.environment()["DOCKER_HOST"][7:])
        for daemon in (theirs, ours):
            daemon.prepare()
        yield theirs, ours
        for daemon in (theirs, ours):
            daemon.clear()


@pytest.mark.parametrize(("method", "path", "body"), SAME)
def test_the_same_answer(
    both: tuple[Daemon, Daemon],
    method: str,
    path: str,
    body: Any,  # noqa: ANN401
) -> None:
    theirs, ours = (daemon.ask(method, path, body) for daemon in both)
    assert ours == theirs


@pytest.mark.parametrize(("method", "path", "body", "reason"), OTHER)
def test_the_same_words_with_a_status_that_is_right(
    both: tuple[Daemon, Daemon],
    method: str,
    path: str,
    body: Any,  # noqa: ANN401
    reason: str,
) -> None:
    theirs, ours = (daemon.ask(method, path, body) for daemon in both)
    assert reason
    assert (theirs[0], ours[0]) == (500, 400)
    assert ours[1] == theirs[1]


def test_a_container_is_described_with_the_same_words(both: tuple[Daemon, Daemon]) -> None:
    for version in ("1.24", "1.40", "1.50"):
        path = f"/containers/{ONE}/json"
        theirs, ours = (_keys(daemon.ask("GET", path, version=version)[1]) for daemon in both)
        assert ours == theirs


def _plain(text: bytes) -> Any:  # noqa: ANN401
    """Without what differs from daemon to daemon: ids."""
    known = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID", text.decode(errors="replace"))
    try:
        return json.loads(known)
    except ValueError:
        return known


def _keys(value: Any, at: str = "") -> list[str]:  # noqa: ANN401
    if isinstance(value, dict):
        return [
            key for name in value for key in (f"{at}.{name}", *_keys(value[name], f"{at}.{name}"))
        ]
    return _keys(value[0], f"{at}[]") if isinstance(value, list) and value else []
