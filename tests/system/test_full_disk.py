"""A disk that is full: everything that runs can still end, be asked for, and be removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from suites import engine_deaths
from suites.cli_world import BUSYBOX, DOCKER, OURS, Client
from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.engine_deaths import Engine

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKER, reason="the docker client is not installed"),
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
]

FILL = "dd if=/dev/zero of=/big bs=1M count=40 2>/dev/null; echo full; exit 6"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_deaths.engine(disk_mib=24) as made:
        made.do("run", "--rm", IMAGE, "true")
        yield made


@pytest.mark.parametrize("program", [DOCKER, OURS], ids=["docker", "ours"])
def test_a_container_that_fills_the_disk_ends_and_goes(engine: Engine, program: str) -> None:
    client = Client(program, engine.config.hosts[0])
    before = engine.census.of_containers()
    assert client.run("run", "--rm", IMAGE, "sh", "-c", FILL)[0] == 6
    engine.until_as(before)

    engine.do("run", "-d", "--name", "other", IMAGE, "sleep", "1000")
    assert client.run("run", "--name", "full", IMAGE, "sh", "-c", FILL)[0] == 6
    at = ("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}")
    assert client.run(*at, "full")[1] == "exited 6\n"
    code, _, err = client.run("run", "-d", "--name", "more", IMAGE, "sleep", "1")
    assert code == 125
    assert "no space left on device" in err
    assert client.run("stop", "-t", "0", "other")[0] == 0
    assert client.run(*at, "other")[1] == "exited 137\n"
    assert client.run("rm", "full", "other")[0] == 0
    engine.until_as(before)
    assert client.run("run", "--rm", IMAGE, "sh", "-c", "exit 3")[0] == 3


def test_a_full_disk_survives_a_restart_of_the_daemon(engine: Engine) -> None:
    before = engine.census.of_containers()
    code, _, _ = engine.type("run", "--name", "full", IMAGE, "sh", "-c", FILL)
    assert code == 6
    engine.strike("daemon", "supervisor")
    engine.recover()
    assert engine.inspect("full")["State"]["ExitCode"] == 6
    engine.do("rm", "full")
    engine.until_as(before)
