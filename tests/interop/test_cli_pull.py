"""Pulling: what is printed, also when `run` misses an image, and what fails."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suites import registry_world
from suites.cli_world import BUSYBOX, DOCKER, Client, busybox_archive, engine, world
from suites.registry_world import Registry, oci_image, push, registry, run

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


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Registry]:
    """A registry for one test, which may make it lie: `box:1` has a layer that nobody has yet."""
    with registry(tmp_path) as found:
        oci_image(tmp_path / "layout", "1", [busybox_archive(str(tmp_path))])
        push(tmp_path / "layout", "1", f"{found.host}/box:1")
        yield found


def _document(served: Registry) -> dict[str, Any]:
    words = ("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{served.host}/box:1")
    document: dict[str, Any] = json.loads(run(*words))
    return document


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("layer", "filesystem layer verification failed for digest {digest}"),
        ("config", "image config verification failed for digest {digest}"),
    ],
)
def test_a_registry_that_lies_is_found_out(
    clients: tuple[Client, Client], served: Registry, part: str, says: str
) -> None:
    """I3: one flipped bit: the pull fails, its digest is told, nothing is kept."""
    manifest = _document(served)
    digest = (manifest["layers"][0] if part == "layer" else manifest["config"])["digest"]
    blob = served.blob(digest)
    honest = blob.read_bytes()
    blob.write_bytes(honest[:-9] + bytes([honest[-9] ^ 1]) + honest[-8:])
    for client in clients:
        code, _, err = client.run("pull", f"{served.host}/box:1")
        assert code == 1
        assert says.format(digest=digest) in err
        assert client.run("images", "-q", f"{served.host}/box")[1] == ""
    blob.write_bytes(honest)
    for client in clients:
        assert client.run("pull", "-q", f"{served.host}/box:1")[0] == 0
        client.run("rmi", f"{served.host}/box:1")


def test_i2_both_families_of_media_types(clients: tuple[Client, Client], served: Registry) -> None:
    """I1, I2, I5: OCI and Docker v2s2; the id is the configuration's hash, digests are served."""
    push(served.root.parent / "layout", "1", f"{served.host}/box:v2s2", "--format=v2s2")
    for client in clients:
        for tag in ("1", "v2s2"):
            name = f"{served.host}/box:{tag}"
            code, out, err = client.run("pull", name)
            assert code == 0, err
            assert f"Status: Downloaded newer image for {name}\n" in out
            assert "Digest: sha256:" in out
            found = client.run("inspect", "-f", "{{.Id}} {{index .RepoDigests 0}}", name)[1]
            if tag == "1":
                assert found.split()[0] == _document(served)["config"]["digest"]
            assert found.split()[1].startswith(f"{served.host}/box@sha256:")
        client.run("rmi", f"{served.host}/box:1", f"{served.host}/box:v2s2")


def test_layers_that_are_here_are_said_to_exist(
    clients: tuple[Client, Client], served: Registry
) -> None:
    """I1: another image of the same layers tells of each that it exists."""
    shutil.copytree(served.root.parent / "layout", served.root.parent / "other")
    run("umoci", "config", "--image", f"{served.root.parent}/other:1", "--config.cmd", "ls")
    push(served.root.parent / "other", "1", f"{served.host}/box:2")
    short = _document(served)["layers"][0]["digest"][7:19]
    for client in clients:
        client.run("pull", "-q", f"{served.host}/box:1")
        assert f"{short}: Already exists\n" in client.run("pull", f"{served.host}/box:2")[1]
        client.run("rmi", f"{served.host}/box:1", f"{served.host}/box:2")


def test_all_tags_are_refused_in_words(clients: tuple[Client, Client], served: Registry) -> None:
    """I9 comes later: `pull -a` says so, and pulls nothing."""
    for client in clients:
        code, _, err = client.run("pull", "-a", f"{served.host}/box")
        assert code == 1
        assert "every tag" in err
        assert "not supported yet: name a tag" in err
