"""import, tag, rmi, history, images, inspect; pull from a real registry; version and info."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from suites import registry_world
from suites.cli_world import busybox_archive
from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from suites.docker_client import Docker

pytestmark = pytest.mark.root


def test_an_import_is_an_image_with_names(docker: Docker) -> None:
    words = ["-c", "CMD echo hello", "-m", "made by hand", "-", "tool:1"]
    made = docker("import", *words, stdin=busybox_archive("another"))
    assert docker("run", "--rm", "tool:1") == "hello"
    assert docker("history", "--format", "{{.Comment}}", "tool:1") == "made by hand"
    docker("tag", "tool:1", "tool:2")
    assert set(docker("images", "-q", "--no-trunc", "tool").split()) == {made}
    shown = docker("images", "--format", "{{.Tag}}", "--filter", "reference=tool")
    assert set(shown.split()) == {"1", "2"}
    assert docker("rmi", "tool:2") == "Untagged: tool:2"
    gone = docker("rmi", "tool:1").splitlines()
    assert gone[:2] == ["Untagged: tool:1", f"Deleted: {made}"]
    said = docker.say("image", "inspect", "tool:1")
    assert said.err == "Error response from daemon: No such image: tool:1\n"


def test_an_image_in_use_stays(docker: Docker) -> None:
    docker("run", "--name", "web", IMAGE, "true")
    said = docker.say("rmi", IMAGE)
    assert said.code == 1
    assert f'unable to remove repository reference "{IMAGE}" (must force)' in said.err


def test_an_unknown_image_is_125(docker: Docker) -> None:
    said = docker.say("run", "--pull", "never", "nope", "true")
    assert said.code == 125
    assert "No such image: nope:latest" in said.err


def test_old_versions_of_the_api_see_the_old_fields(docker: Docker) -> None:
    _, old = docker.engine.ask("GET", f"/v1.40/images/{IMAGE}/json")
    _, new = docker.engine.ask("GET", f"/v1.50/images/{IMAGE}/json")
    assert {"ContainerConfig", "VirtualSize"} <= set(old)
    assert not {"ContainerConfig", "VirtualSize"} & set(new)


@pytest.mark.skipif(bool(registry_world.missing()), reason="docker-registry, skopeo or umoci miss")
def test_a_pull_and_a_pull_that_finds_nothing(docker: Docker, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    registry_world.oci_image(layout, "v1", [busybox_archive("pulled")])
    with registry_world.registry(tmp_path) as registry:
        target = f"docker://{registry.host}/tool:v1"
        source = f"oci:{layout}:v1"
        registry_world.run("skopeo", "copy", "--dest-tls-verify=false", source, target)
        told = docker("pull", f"{registry.host}/tool:v1").splitlines()
        assert told[-2:] == [
            f"Status: Downloaded newer image for {registry.host}/tool:v1",
            f"{registry.host}/tool:v1",
        ]
        assert docker("run", "--rm", f"{registry.host}/tool:v1", "cat", "/etc/note") == "pulled"
        again = docker("pull", f"{registry.host}/tool:v1")
        assert f"Status: Image is up to date for {registry.host}/tool:v1" in again
        said = docker.say("pull", f"{registry.host}/nothing")
        assert said.code == 1
        assert "not found" in said.err or "unknown" in said.err


def test_version_and_info(docker: Docker) -> None:
    told = json.loads(docker("version", "--format", "json"))
    assert told["Server"]["ApiVersion"] == "1.50"
    assert told["Server"]["MinAPIVersion"] == "1.24"
    told = json.loads(docker("info", "--format", "json"))
    assert told["Driver"] == "overlay2"
    assert told["Swarm"]["LocalNodeState"] == "inactive"
    assert not told.get("ServerErrors")


def test_what_is_not_there_says_so(docker: Docker) -> None:
    said = docker.say("node", "ls")
    assert said.err == (
        'Error response from daemon: This node is not a swarm manager. Use "docker swarm init" '
        'or "docker swarm join" to connect this node to swarm and try again.\n'
    )
    assert "is not there yet" in docker.say("search", "x").err


def test_volumes_are_made_used_and_removed(docker: Docker) -> None:
    assert docker("volume", "create", "--label", "a=b", "data") == "data"
    docker("run", "--rm", "-v", "data:/data", IMAGE, "sh", "-c", "echo kept > /data/x")
    assert docker("run", "--rm", "-v", "data:/data:ro", IMAGE, "cat", "/data/x") == "kept"
    docker("run", "--name", "web", "-v", "data:/data", IMAGE, "true")
    said = docker.say("volume", "rm", "data")
    assert "remove data: volume is in use - [" in said.err
    docker("rm", "web")
    assert docker("volume", "ls", "-q", "--filter", "label=a=b") == "data"
    assert docker("volume", "rm", "data") == "data"
    said = docker.say("volume", "inspect", "data")
    assert "no such volume" in said.err


def test_networks_are_listed_and_inspected(docker: Docker) -> None:
    assert set(docker("network", "ls", "--format", "{{.Name}}").split()) == {
        "bridge",
        "host",
        "none",
    }
    container = docker.run("--name", "web", IMAGE, "sleep", "100")
    told = json.loads(docker("network", "inspect", "bridge"))[0]
    assert told["Containers"][container]["Name"] == "web"
    assert "network nope not found" in docker.say("network", "inspect", "nope").err
    said = docker.say("network", "rm", "bridge")
    assert "bridge is a pre-defined network and cannot be removed" in said.err


def test_system_prune_leaves_what_runs(docker: Docker) -> None:
    docker("run", "--name", "done", IMAGE, "true")
    docker.run("--name", "web", IMAGE, "sleep", "100")
    assert "Deleted Containers" in docker("system", "prune", "-f")
    assert docker("ps", "-a", "--format", "{{.Names}}") == "web"
    assert docker("system", "df", "--format", "{{.Type}} {{.Active}}").splitlines()[:2] == [
        "Images 1",
        "Containers 1",
    ]
