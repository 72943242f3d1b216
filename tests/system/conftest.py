"""One engine for the stories that share it, and the docker client on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites import engine_deaths
from suites.cli_world import DOCKER
from suites.docker_client import Docker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[engine_deaths.Engine]:
    """An engine with the busybox image; when the last test is over nothing of it may be left."""
    with engine_deaths.engine() as engine:
        engine.do("run", "--rm", engine_deaths.IMAGE, "true")  # what is cached is no leftover
        yield engine


@pytest.fixture
def docker(shared_engine: engine_deaths.Engine) -> Iterator[Docker]:
    """The docker client; what a test made is gone after it, and left nothing behind."""
    if not DOCKER:
        pytest.skip("the docker client is not installed")
    before = shared_engine.census.of_containers()
    client = Docker(shared_engine)
    yield client
    client.tidy()
    shared_engine.until_as(before)
