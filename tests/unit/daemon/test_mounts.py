"""-v, --mount, --tmpfs and VOLUME."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from boxship.daemon.mounts import oci_mounts, points
from boxship.daemon.volumes import Volumes
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    (tmp_path / "volumes").mkdir()
    return Volumes(str(tmp_path / "volumes"))


def parse(volumes: Volumes, host_config: dict[str, Any], **config: object) -> list[dict[str, Any]]:
    return points(host_config, config, volumes, [])


def test_a_bind(volumes: Volumes) -> None:
    assert parse(volumes, {"Binds": ["/srv/../data:/in/:ro,rslave"]}) == [
        {
            "Type": "bind",
            "Source": "/data",
            "Destination": "/in",
            "Mode": "ro,rslave",
            "RW": False,
            "Propagation": "rslave",
        }
    ]


def test_a_name_is_a_volume_and_it_is_made(volumes: Volumes) -> None:
    (point,) = parse(volumes, {"Binds": ["vol1:/data"]})
    assert (point["Type"], point["Name"], point["RW"]) == ("volume", "vol1", True)
    assert volumes.list() == []  # the record comes first
    volumes.make([point])
    assert [v["Name"] for v in volumes.list()] == ["vol1"]


def test_a_volume_of_the_image_is_anonymous_unless_something_is_there(volumes: Volumes) -> None:
    given = {"Binds": ["/host:/taken"], "Tmpfs": {"/run": ""}}
    found = parse(volumes, given, Volumes={"/taken": {}, "/run": {}, "/free": {}})
    assert [(p["Type"], p["Destination"]) for p in found] == [
        ("bind", "/taken"),
        ("volume", "/free"),
    ]
    volumes.make(found)
    volumes.remove_anonymous(found, in_use={found[1]["Name"]})
    assert len(volumes.list()) == 1
    volumes.remove_anonymous(found)
    assert volumes.list() == []


def test_parents_are_mounted_before_children(volumes: Volumes) -> None:
    host_config = {"Binds": ["/1:/a/b/c", "/2:/a"], "Tmpfs": {"/a/b": "size=1m,exec"}}
    made = oci_mounts(parse(volumes, host_config), host_config)
    assert [m["destination"] for m in made] == ["/a", "/a/b", "/a/b/c"]
    assert made[1]["options"] == ["nosuid", "nodev", "rprivate", "size=1m", "exec"]


def test_the_long_form(volumes: Volumes, tmp_path: Path) -> None:
    mounts = [
        {"Type": "bind", "Source": str(tmp_path), "Target": "/b", "ReadOnly": True},
        {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 4096, "Mode": 0o700}},
        {"Type": "volume", "Source": "vol2", "Target": "/v"},
    ]
    found = parse(volumes, {"Mounts": mounts})
    assert [(p["Type"], p["Destination"], p["RW"]) for p in found] == [
        ("bind", "/b", False),
        ("tmpfs", "/t", True),
        ("volume", "/v", True),
    ]
    made = {m["destination"]: m["options"] for m in oci_mounts(found, {"Mounts": mounts})}
    assert made["/t"] == ["noexec", "nosuid", "nodev", "rprivate", "size=4096", "mode=700"]


@pytest.mark.parametrize(
    ("host_config", "words"),
    [
        ({"Binds": ["/a:b"]}, "invalid volume specification: '/a:b': invalid mount config for"),
        ({"Binds": ["/a:/"]}, "destination can't be '/'"),
        ({"Binds": ["/a"]}, "invalid volume specification: '/a'"),
        ({"Binds": ["/a:/b:what"]}, "invalid mode: what"),
        ({"Tmpfs": {"/x": "foo=1"}}, 'invalid tmpfs option "foo"'),
        ({"Binds": ["rel/x:/b"]}, '"rel/x" includes invalid characters for a local volume name'),
        ({"Binds": ["/a:/x", "/b:/x"]}, "Duplicate mount point: /x"),
        (
            {"Mounts": [{"Type": "bind", "Source": "/nosuchdir", "Target": "/x"}]},
            'invalid mount config for type "bind": bind source path does not exist: /nosuchdir',
        ),
        ({"Mounts": [{"Type": "what", "Target": "/x"}]}, 'mount type unknown: "what"'),
        (
            {"Mounts": [{"Type": "volume", "Target": "/x", "VolumeOptions": {"Subpath": "a"}}]},
            'invalid mount config for type "volume": a Subpath is not carried out yet',
        ),
    ],
)
def test_what_is_wrong_is_said_in_dockers_words(
    volumes: Volumes, host_config: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        parse(volumes, host_config)
    assert words in str(caught.value)
