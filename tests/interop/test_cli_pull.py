"""Pulling: what is printed, also when `run` misses an image, and what fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suites import registry_world
from suites.cli_world import BUSYBOX, DOCKER, Client, busybox_archive, engine, world
from suites.registry_world import oci_image, push, registry

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKER, reason="the docker client is not installed"),
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
    pytest.mark.skipif(bool(registry_world.missing()), reason="needs docker-registry and skopeo"),
]


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Client, Client]]:
    with engine() as address, world(address) as both:
        yield both


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    with registry(folder) as served:
        oci_image(folder / "layout", "1", [busybox_archive("pulled")])
        name = f"{served.host}/cli/box:1"
        push(folder / "layout", "1", name)
        yield name


def both(clients: tuple[Client, Client], reference: str, *words: str) -> list[tuple[int, str, str]]:
    found = []
    for client in reversed(clients):
        client.run("rmi", "-f", reference)
        found.append(client.run(*words))
    clients[0].run("rmi", "-f", reference)
    return found


@pytest.mark.parametrize("option", ["--quiet=false", "--quiet"])
def test_pull_prints_the_same(clients: tuple[Client, Client], reference: str, option: str) -> None:
    ours, theirs = both(clients, reference, "pull", option, reference)
    assert ours[0] == 0
    assert ours == theirs


def test_a_second_pull_says_that_it_is_there(
    clients: tuple[Client, Client], reference: str
) -> None:
    for client in clients:
        client.run("pull", "-q", reference)
        assert "Image is up to date" in client.run("pull", reference)[1]
    docker, ours = clients
    assert ours.run("pull", reference) == docker.run("pull", reference)
    docker.run("rmi", "-f", reference)


@pytest.mark.parametrize("option", ["--pull=missing", "--pull=always", "--quiet"])
def test_run_pulls_what_is_missing(
    clients: tuple[Client, Client], reference: str, option: str
) -> None:
    words = ("run", "--rm", option, reference, "echo", "hi")
    ours, theirs = both(clients, reference, *words)
    assert ours[:2] == (0, "hi\n")
    assert ours == theirs


def test_a_missing_image_of_the_registry(clients: tuple[Client, Client], reference: str) -> None:
    missing = reference.replace("box:1", "none:1")
    for words in (("pull", missing), ("run", "--rm", missing), ("create", missing)):
        ours, theirs = both(clients, reference, *words)
        assert ours[0] == theirs[0]
        assert ours[2].split(":")[0] == theirs[2].split(":")[0]


def test_a_terminal_sees_bars_and_the_same_end(
    clients: tuple[Client, Client], reference: str
) -> None:
    ends = []
    for client in clients:
        code, output = client.typed(["pull", reference], [])
        client.run("rmi", "-f", reference)
        assert code == 0
        assert b"\x1b[1A\x1b[2K\r" in output
        ends.append(output.splitlines()[-3:])
    assert ends[0] == ends[1]
