"""Config and HostConfig: merged with the image, filled up, checked."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.daemon import defaults
from boxship.daemon.attachments import ports
from boxship.daemon.checks import check, size
from boxship.daemon.host import HostFacts
from boxship.model.errors import BoxshipError, Invalid
from boxship.network.values import PortBinding

HOST = HostFacts("h", "x86_64", "6.1.0", 2, 1 << 30, False, 40, (1 << 41) - 1, "Linux")
IMAGE = {
    "Env": ["PATH=/bin", "A=1"], "Cmd": ["serve"], "Entrypoint": ["/init"], "User": "web",
    "WorkingDir": "/srv", "Labels": {"a": "1", "b": "1"}, "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGQUIT",
}  # fmt: skip


def config(**asked: object) -> dict[str, Any]:
    return defaults.config(asked, IMAGE, hostname="h1")


def host_config(**asked: object) -> dict[str, Any]:
    return defaults.host_config(
        asked, log_driver="json-file", log_options={"max-size": "1m"}, cgroup_v2=False
    )


def test_what_is_asked_goes_over_what_the_image_says() -> None:
    made = config(Env=["A=2", "B=3"], Labels={"b": "2"}, ExposedPorts={"90/udp": {}})
    assert made["Env"] == ["PATH=/bin", "A=2", "B=3"]
    assert made["Labels"] == {"a": "1", "b": "2"}
    assert made["ExposedPorts"] == {"80/tcp": {}, "90/udp": {}}
    assert (made["User"], made["WorkingDir"], made["StopSignal"]) == ("web", "/srv", "SIGQUIT")
    assert made["Hostname"] == "h1"


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({}, ("/init", ["serve"])),
        ({"Cmd": ["sh"]}, ("/init", ["sh"])),
        ({"Entrypoint": ["/mine"]}, ("/mine", [])),
        ({"Entrypoint": [""], "Cmd": ["sh", "-c"]}, ("sh", ["-c"])),
        ({"Entrypoint": [], "Cmd": ["sh"]}, ("sh", [])),
    ],
)
def test_entrypoint_and_command(asked: dict[str, Any], command: tuple[str, list[str]]) -> None:
    assert defaults.command(config(**asked)) == command


def test_without_a_command_nothing_is_made() -> None:
    with pytest.raises(Invalid, match="no command specified"):
        defaults.command(defaults.config({}, {}, hostname="h"))


def test_a_host_config_is_whole() -> None:
    made = host_config(Memory=64 << 20, NetworkMode="default")
    assert made["MemorySwap"] == 128 << 20
    assert made["NetworkMode"] == "bridge"
    assert made["CgroupnsMode"] == "host"
    assert made["IpcMode"] == "private"
    assert made["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}
    assert made["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert made["MaskedPaths"][0] == "/proc/asound"
    assert host_config(Privileged=True)["MaskedPaths"] is None
    assert host_config(MaskedPaths=[])["MaskedPaths"] == []


@pytest.mark.parametrize(
    ("host", "asked", "words"),
    [
        ({"Memory": 1 << 20}, {}, "Minimum memory limit allowed is 6MB"),
        (
            {"NanoCpus": 100_000_000_000},
            {},
            "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
        ),
        ({"CapAdd": ["FOO"]}, {}, 'invalid CapAdd: unknown capability: "CAP_FOO"'),
        ({"RestartPolicy": {"Name": "foo"}}, {}, "invalid restart policy: unknown policy 'foo'"),
        (
            {"RestartPolicy": {"Name": "always"}, "AutoRemove": True},
            {},
            "can't create 'AutoRemove' container with restart policy",
        ),
        ({"LogConfig": {"Type": "nosuch"}}, {}, 'plugin "nosuch" not found'),
        (
            {"LogConfig": {"Type": "json-file", "Config": {"x": "1"}}},
            {},
            "unknown log opt 'x' for json-file log driver",
        ),
        (
            {"CpusetCpus": "0,99"},
            {},
            "Requested CPUs are not available - requested 0,99, available: 0",
        ),
        ({"StorageOpt": {"size": "1g"}}, {}, "--storage-opt is supported only for overlay over"),
        ({"PidMode": "what"}, {}, "invalid PID mode: what"),
        ({}, {"StopSignal": "FOO"}, "invalid signal: FOO"),
        (
            {},
            {"WorkingDir": "rel"},
            "the working directory 'rel' is invalid, it needs to be an absolute path",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_dockers_words(
    host: dict[str, Any], asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(BoxshipError) as caught:
        check(config(**asked), host_config(**host), HOST)
    assert words in str(caught.value)


def test_sizes() -> None:
    assert [size(t) for t in ("10m", "64MiB", "1g", "512", "2kb", "-1")] == [
        10 << 20, 64 << 20, 1 << 30, 512, 2048, -1,
    ]  # fmt: skip
    with pytest.raises(Invalid, match="invalid size: 'x'"):
        size("x")


def test_published_ports() -> None:
    asked = {
        "PortBindings": {
            "90/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
            "80/tcp": [{"HostPort": "8000-8010"}],
        },
        "PublishAllPorts": True,
    }
    assert ports({"ExposedPorts": {"70/tcp": {}, "80/tcp": {}}}, asked) == [
        PortBinding(70),
        PortBinding(80, "tcp", "", 8000, 8010),
        PortBinding(90, "udp", "127.0.0.1"),
    ]
    with pytest.raises(Invalid, match="invalid port specification"):
        ports({}, {"PortBindings": {"x/tcp": []}, "PublishAllPorts": False})
