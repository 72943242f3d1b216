"""logs, exec and attach: whose bytes go where."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from suites.docker_client import Docker

pytestmark = pytest.mark.root


def test_logs_whole_and_in_part(docker: Docker) -> None:
    docker("run", "--name", "web", IMAGE, "sh", "-c", "seq 5; echo oops >&2")
    said = docker.say("logs", "web")
    assert (said.out, said.err) == ("1\n2\n3\n4\n5\n", "oops\n")
    said = docker.say("logs", "--tail", "2", "web")
    assert (said.out, said.err) == ("5\n", "oops\n")
    stamped = docker("logs", "-t", "web").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d+Z \d$", line) for line in stamped)
    assert docker("logs", "--since", "1h", "web") == "1\n2\n3\n4\n5"
    assert docker("logs", "--until", "1h", "web") == ""


def test_logs_that_follow_end_with_the_container(docker: Docker) -> None:
    docker.run("-i", "--name", "cat", IMAGE, "sh", "-c", "echo a; read x; echo $x")
    with docker.beside("logs", "-f", "cat") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"a\n"
        docker("attach", "cat", stdin=b"b\n")
        assert client.communicate(timeout=20)[0] == b"b\n"


def test_logs_of_a_silent_container_begin_at_once(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sleep", "100")
    with docker.beside("logs", "-f", "web") as client:
        docker("kill", "web")
        assert client.communicate(timeout=20) == (b"", b"")
        assert client.returncode == 0


def test_exec_has_streams_and_exit_codes_of_its_own(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sleep", "100")
    said = docker.say("exec", "web", "sh", "-c", "echo out; echo err >&2; exit 9")
    assert (said.code, said.out, said.err) == (9, "out\n", "err\n")
    assert docker("exec", "-i", "web", "wc", "-c", stdin=b"y" * 1_000_000) == "1000000"
    assert docker("exec", "-e", "A=1", "-w", "/tmp", "web", "sh", "-c", "echo $A $PWD") == "1 /tmp"
    assert docker("exec", "-d", "web", "touch", "/tmp/done") == ""
    docker("exec", "web", "sh", "-c", "until [ -e /tmp/done ]; do sleep 0.05; done")
    assert docker("logs", "web") == ""


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("nonono", 127, 'exec: "nonono": executable file not found in $PATH'),
        ("/etc", 126, 'exec: "/etc": is a directory: permission denied'),
    ],
)
def test_exec_of_what_cannot_be_started(
    docker: Docker, program: str, code: int, words: str
) -> None:
    docker.run("--name", "web", IMAGE, "sleep", "100")
    said = docker.say("exec", "web", program)
    assert said.code == code
    assert words in said.out + said.err


def test_an_exec_client_that_is_killed_leaves_the_container_alone(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sleep", "100")
    with docker.beside("exec", "web", "sh", "-c", "while true; do echo x; done") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"x\n"
        time.sleep(0.2)  # its output stands still: nobody reads
        assert docker("exec", "web", "echo", "still") == "still"
    assert docker("inspect", "-f", "{{.State.Running}}", "web") == "true"


def test_many_clients_at_once(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sh", "-c", "while true; do echo x; sleep 0.01; done")
    attach = docker.beside("attach", "--no-stdin", "web")
    with attach as first, docker.beside("logs", "-f", "web") as second:
        for client in (first, second):
            assert client.stdout is not None
            assert client.stdout.readline() == b"x\n"
        docker("kill", "web")
        for client in (first, second):
            client.communicate(timeout=20)
        assert (first.returncode, second.returncode) == (137, 0)
