"""Flags of `run` become the body of a create request."""

from pathlib import Path
from typing import Any

import pytest

from boxship.cli.config import Config
from boxship.cli.container import payload
from boxship.cli.container.mount_option import mount
from boxship.cli.container.options import RUN
from boxship.cli.container.port_option import bindings_of
from boxship.cli.container.proxies import variables
from boxship.cli.csv import fields
from boxship.cli.failure import Failure
from boxship.cli.parse import Parser

Body = Any


def body(*words: str) -> Body:
    values, arguments = Parser(RUN, interspersed=False).parse(list(words))
    return payload.body(values, arguments)


def test_a_plain_run() -> None:
    found = body("busybox", "echo", "-n")
    assert (found["Image"], found["Cmd"], found["Entrypoint"]) == ("busybox", ["echo", "-n"], None)
    assert (found["AttachStdin"], found["AttachStdout"]) == (False, True)
    assert found["HostConfig"]["NetworkMode"] == "default"
    assert found["HostConfig"]["MemorySwappiness"] == -1
    assert list(found["NetworkingConfig"]["EndpointsConfig"]) == ["default"]


def test_a_web_server() -> None:
    found = body("-d", "-p", "5000:8080", "-v", "data:/data", "-v", "/anon", "-e", "A=b", "web")
    assert found["ExposedPorts"] == {"8080/tcp": {}}
    assert found["HostConfig"]["PortBindings"] == {"8080/tcp": [{"HostIp": "", "HostPort": "5000"}]}
    assert found["HostConfig"]["Binds"] == ["data:/data"]
    assert found["Volumes"] == {"/anon": {}}
    assert found["Env"] == ["A=b"]


def test_limits_and_rights() -> None:
    host = body("-m", "64m", "--cpus", "1.5", "--cap-drop", "all", "--cap-add", "chown", "x")
    host = host["HostConfig"]
    assert (host["Memory"], host["NanoCpus"]) == (67108864, 1500000000)
    assert (host["CapAdd"], host["CapDrop"]) == (["CAP_CHOWN"], ["ALL"])


@pytest.mark.parametrize(
    ("text", "bindings"),
    [
        ("80", [("80/tcp", "", "")]),
        ("5000:80/udp", [("80/udp", "", "5000")]),
        ("127.0.0.1::80", [("80/tcp", "127.0.0.1", "")]),
        ("[::1]:5:6", [("6/tcp", "::1", "5")]),
        ("1-2:3-4", [("3/tcp", "", "1"), ("4/tcp", "", "2")]),
        ("1-9:80", [("80/tcp", "", "1-9")]),
    ],
)
def test_ports(text: str, bindings: list[tuple[str, str, str]]) -> None:
    found = [(port, where["HostIp"], where["HostPort"]) for port, where in bindings_of(text)]
    assert found == bindings


@pytest.mark.parametrize("text", ["", "a", "80/foo", "99999:1", "1.2.3:80:80", "2-1", "1-2:1-4"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(Failure, match=r"(?i)invalid|no port"):
        bindings_of(text)


def test_a_mount() -> None:
    assert mount("type=bind,src=/a,dst=/b,ro") == {
        "Type": "bind",
        "Source": "/a",
        "Target": "/b",
        "ReadOnly": True,
    }
    assert mount('type=tmpfs,"dst=/a,b"')["Target"] == "/a,b"
    with pytest.raises(ValueError, match="target is required"):
        mount("type=bind")


def test_proxies_of_the_configuration_become_variables(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"proxies": {"default": {"httpProxy": "http://p", "noProxy": "x"}}}'
    )
    found = variables(Config(str(tmp_path)), "unix:///x", ["NO_PROXY=mine"])
    assert found == ["HTTP_PROXY=http://p", "http_proxy=http://p", "no_proxy=x"]


def test_fields_may_be_quoted() -> None:
    assert fields('a,"b,c",d') == ["a", "b,c", "d"]
    assert fields('"x ""y"""') == ['x "y"']
    with pytest.raises(ValueError, match="column 4"):
        fields('a,b"c')
