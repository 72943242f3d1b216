"""Views against what dockerd 28.5 really answered: the same facts in, the same JSON out."""

from __future__ import annotations

import calendar
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from boxship.daemon.container import Container, Record, State
from boxship.daemon.views import containers, images, networks
from boxship.daemon.waits import Waits
from boxship.network.values import Network

ANSWERS = Path(__file__).parent / "dockerd"


def answer(name: str) -> Any:  # noqa: ANN401
    return json.loads((ANSWERS / f"{name}.json").read_text())


def same(ours: object, theirs: object) -> None:
    """Equal, and with the keys in the same order."""
    assert json.dumps(json.loads(json.dumps(ours)), indent=1) == json.dumps(theirs, indent=1)


def ns(stamp: str) -> int:
    if stamp.startswith("0001"):
        return 0
    seconds, _, fraction = stamp.rstrip("Z").partition(".")
    whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))
    return whole * 1_000_000_000 + int(fraction.ljust(9, "0"))


def recorded(told: dict[str, Any]) -> Container:
    """The container that dockerd told of, in our record."""
    record = Record(
        id=told["Id"],
        name=told["Name"][1:],
        created_ns=ns(told["Created"]),
        image_id=told["Image"],
        image_ref=told["Config"]["Image"],
        config=told["Config"],
        host_config=told["HostConfig"],
        networking={},
        path=told["Path"],
        args=told["Args"],
        platform=told["Platform"],
        top_layer=None,
        log_path=told["LogPath"],
        mounts=told["Mounts"],
    )
    was = told["State"]
    state = State(
        status=was["Status"],
        pid=was["Pid"],
        exit_code=was["ExitCode"],
        error=was["Error"],
        oom_killed=was["OOMKilled"],
        started_at_ns=ns(was["StartedAt"]),
        finished_at_ns=ns(was["FinishedAt"]),
    )
    container = Container(record, state, Waits())
    known = ("SandboxID", "SandboxKey", "Ports", "Networks")
    container.network_settings = {name: told["NetworkSettings"][name] for name in known}
    return container


@pytest.mark.parametrize("version", ["1.24", "1.50"])
async def test_inspect_of_a_container(version: str) -> None:
    told = answer(f"inspect-{version}")
    same(containers.inspect(recorded(told), told["GraphDriver"]["Data"]), told)


async def test_an_entry_of_the_list() -> None:
    told = answer("list-1.50")[0]
    container = recorded(answer("inspect-1.50"))
    container.record.mounts.sort(key=lambda m: m["Destination"])
    told["Mounts"].sort(key=lambda m: m["Destination"])
    now = container.state.started_at_ns + 300_000_000
    same(containers.entry(container, "apiprobe:1", now), told)


async def test_an_entry_of_one_that_never_ran() -> None:
    told = answer("list-1.50")[1]
    container = recorded(answer("inspect-1.50"))
    container.record.id, container.record.name = told["Id"], told["Names"][0][1:]
    container.record.path, container.record.args = "echo", []
    container.record.config = {"Labels": {}}
    container.record.mounts = []
    container.state = State()
    container.network_settings = {}
    same(containers.entry(container, "apiprobe:1", 0), told)


def told_image(told: dict[str, Any]) -> Any:  # noqa: ANN401
    return SimpleNamespace(
        id=told["Id"],
        config={
            "created": told["Created"],
            "comment": told["Comment"],
            "docker_version": told["DockerVersion"],
            "architecture": told["Architecture"],
            "os": told["Os"],
            "config": {},
        },
        repo_tags=told["RepoTags"],
        repo_digests=told["RepoDigests"],
        parent=None,
        layers=told["RootFS"]["Layers"],
        size=told["Size"],
        tagged_at=told["Metadata"]["LastTagTime"],
    )


@pytest.mark.parametrize("version", [(1, 40), (1, 44), (1, 50)])
def test_inspect_of_an_image_for_each_version(version: tuple[int, int]) -> None:
    told = answer(f"image-1.{version[1]}")
    same(images.inspect(told_image(told), told["GraphDriver"]["Data"], version), told)


@pytest.mark.parametrize("version", [(1, 40), (1, 50)])
def test_an_entry_of_the_images(version: tuple[int, int]) -> None:
    told = answer(f"images-1.{version[1]}")[0]
    same(images.entry(told_image(answer("image-1.50")), version), told)


def test_inspect_of_the_default_network() -> None:
    told = answer("network-1.50")
    ipam = told["IPAM"]["Config"][0]
    network = Network(
        id=told["Id"],
        name="bridge",
        driver="bridge",
        created=told["Created"],
        subnet=ipam["Subnet"],
        gateway=ipam["Gateway"],
        options=told["Options"],
        containers=told["Containers"],
    )
    same(networks.inspect(network), told)
