"""create, start, stop, kill, restart, pause, wait, rename, rm; what ps, inspect, events tell."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from suites.docker_client import Docker

pytestmark = pytest.mark.root

STUBBORN = "trap 'echo no' TERM; echo ready; while true; do sleep 0.05; done"
POLITE = "trap 'exit 3' TERM; echo ready; while true; do sleep 0.05; done"


def status(docker: Docker, name: str) -> str:
    return docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name)


def until_ready(docker: Docker, name: str) -> None:
    with docker.beside("logs", "-f", name) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"


def test_a_life_step_by_step(docker: Docker) -> None:
    docker("create", "--name", "web", IMAGE, "sh", "-c", POLITE)
    assert status(docker, "web") == "created 0"
    assert docker("start", "web") == "web"
    until_ready(docker, "web")
    assert status(docker, "web") == "running 0"
    assert docker("pause", "web") == "web"
    assert status(docker, "web") == "paused 0"
    assert docker("unpause", "web") == "web"
    assert docker("stop", "web") == "web"
    assert status(docker, "web") == "exited 3"
    assert docker("wait", "web") == "3"
    assert docker("restart", "web") == "web"
    assert status(docker, "web") == "running 0"
    assert docker("kill", "web") == "web"
    assert status(docker, "web") == "exited 137"
    assert docker("rename", "web", "net") == ""
    assert docker("rm", "net") == "net"
    assert docker.say("inspect", "net").err == "Error: No such object: net\n"


def test_moves_that_are_already_made_or_cannot_be_made(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sleep", "100")
    assert docker("start", "web") == "web"
    said = docker.say("rm", "web")
    assert said.err == (
        'Error response from daemon: cannot remove container "web": container is running: '
        "stop the container before removing or force remove\n"
    )
    assert "is not paused" in docker.say("unpause", "web").err
    docker("kill", "web")
    assert docker("stop", "web") == "web"
    assert "is not running" in docker.say("kill", "web").err
    assert "is not running" in docker.say("exec", "web", "true").err


def test_stop_waits_and_then_kills(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sh", "-c", STUBBORN)
    until_ready(docker, "web")
    begin = time.monotonic()
    docker("stop", "-t", "1", "web")
    assert 1 <= time.monotonic() - begin < 8
    assert status(docker, "web") == "exited 137"


def test_ids_have_prefixes_and_names_win(docker: Docker) -> None:
    first = docker.run("--name", "web", IMAGE, "sleep", "100")
    assert docker("inspect", "-f", "{{.Name}}", first[:6]) == "/web"
    other = docker.run("--name", first[:6], IMAGE, "sleep", "100")
    assert docker("inspect", "-f", "{{.Id}}", first[:6]) == other
    said = docker.say("rm", "nope")
    assert said.err == "Error response from daemon: No such container: nope\n"


def test_ps_and_its_filters(docker: Docker) -> None:
    docker.run("--name", "one", "--label", "tier=front", IMAGE, "sleep", "100")
    assert (
        docker.say("run", "--name", "two", "--label", "tier=back", IMAGE, "sh", "-c", "exit 4").code
        == 4
    )

    def names(*words: str) -> set[str]:
        return set(docker("ps", "--format", "{{.Names}}", *words).split())

    assert names() == {"one"}
    assert names("-a") == {"one", "two"}
    assert names("-n", "1") == {"two"}
    assert names("-a", "--filter", "label=tier=back") == {"two"}
    assert names("--filter", "exited=4") == {"two"}
    assert names("--filter", "status=exited") == {"two"}
    assert names("-a", "--filter", "name=^/?o") == {"one"}
    assert names("-a", "--filter", f"ancestor={IMAGE}") == {"one", "two"}
    assert names("-a", "--filter", "since=one") == {"two"}
    assert names("-a", "--filter", "network=bridge") == {"one", "two"}
    said = docker.say("ps", "--filter", "foo=bar")
    assert said.err == "Error response from daemon: invalid filter 'foo'\n"
    shown = docker("ps", "-a", "--filter", "name=two", "--format", "{{.Image}}|{{.Status}}")
    assert shown.startswith(f"{IMAGE}|Exited (4) ")


def test_ports_are_shown_where_they_are_asked_for(docker: Docker) -> None:
    words = ["-p", "127.0.0.1::80", "--expose", "81"]
    docker.run("--name", "web", *words, IMAGE, "httpd", "-f", "-p", "80")
    place = docker("port", "web", "80/tcp")
    assert place.startswith("127.0.0.1:")
    shown = docker("ps", "--format", "{{.Ports}}")
    assert set(shown.split(", ")) == {f"{place}->80/tcp", "81/tcp"}
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web")
    assert docker("exec", "web", "hostname", "-i") == address


def test_top_shows_the_processes(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sleep", "321")
    assert "sleep 321" in docker("top", "web")
    assert docker("top", "web", "-o", "pid,args").split("\n")[0].split() == ["PID", "COMMAND"]


def test_events_tell_the_story(docker: Docker) -> None:
    since = str(time.time())
    docker("run", "--name", "web", "--rm", IMAGE, "true")
    words = ["--since", since, "--until", "0s", "--format", "{{.Action}}"]
    with docker.beside("events", "--since", since, "--format", "{{.Type}} {{.Action}}") as client:
        assert client.stdout is not None
        told = [client.stdout.readline().decode().strip() for _ in range(7)]
    assert sorted(told) == sorted(
        [
            "container create",
            "container attach",
            "network connect",
            "container start",
            "network disconnect",
            "container die",
            "container destroy",
        ]
    )
    assert docker("events", *words, "--filter", "container=nobody") == ""


def test_wait_is_answered_at_the_end(docker: Docker) -> None:
    docker.run("--name", "web", IMAGE, "sh", "-c", POLITE)
    until_ready(docker, "web")
    with docker.beside("wait", "web") as client:
        docker("stop", "web")
        assert client.communicate(timeout=20)[0] == b"3\n"


def test_inspect_has_everything_that_clients_read(docker: Docker) -> None:
    docker.run("--name", "web", "--label", "a=b", IMAGE, "sleep", "100")
    told = json.loads(docker("inspect", "--size", "web"))[0]
    assert told["Config"]["Labels"] == {"a": "b"}
    assert told["HostConfig"]["NetworkMode"] == "bridge"
    assert told["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert told["GraphDriver"]["Name"] == "overlay2"
    assert told["SizeRootFs"] > 0
    assert told["State"]["Pid"] > 0
    old = docker.engine.ask("GET", "/v1.24/containers/web/json")[1]
    assert old["Id"] == told["Id"]


def test_prune_takes_what_does_not_run(docker: Docker) -> None:
    docker("run", "--name", "done", IMAGE, "true")
    docker.run("--name", "web", IMAGE, "sleep", "100")
    assert "Deleted Containers" in docker("container", "prune", "-f")
    assert docker("ps", "-a", "--format", "{{.Names}}") == "web"
