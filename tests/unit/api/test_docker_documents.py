"""Documents of the Engine API: what clients send, and what is stored of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from boxship.api.docker import auth
from boxship.api.docker.container import Config, CreateRequest
from boxship.api.docker.decode import decode
from boxship.api.docker.document import plain, shown
from boxship.api.docker.host_config import HostConfig
from boxship.model.errors import Invalid


def created(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return plain(decode(json.dumps(fields).encode(), CreateRequest))


def test_null_means_not_set_in_every_field() -> None:
    names = [name for name in CreateRequest.__struct_fields__ if name != "HostConfig"]
    nothing = created(
        **dict.fromkeys(names), HostConfig=dict.fromkeys(HostConfig.__struct_fields__)
    )
    assert nothing == created(HostConfig={})
    assert nothing["Hostname"] == ""
    assert nothing["Tty"] is False
    assert nothing["Env"] is None
    assert nothing["HostConfig"]["ShmSize"] == 0
    assert nothing["HostConfig"]["PidsLimit"] is None


def test_unknown_fields_are_ignored() -> None:
    assert "Foo" not in created(Foo={"x": 1}, HostConfig={"Bar": 1})


def test_a_lone_string_is_one_word() -> None:
    made = created(Cmd="echo hello", Entrypoint="sh")
    assert (made["Cmd"], made["Entrypoint"]) == (["echo hello"], ["sh"])


def test_values_of_sets_are_empty_objects() -> None:
    made = created(ExposedPorts={"80/tcp": None}, Volumes={"/data": {"x": 1}})
    assert (made["ExposedPorts"], made["Volumes"]) == ({"80/tcp": {}}, {"/data": {}})


def test_empty_parts_of_a_mount_are_not_stored() -> None:
    mount = {"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"Propagation": ""}}
    made = created(HostConfig={"Mounts": [mount]})
    assert made["HostConfig"]["Mounts"] == [{"Type": "bind", "Source": "/a", "Target": "/b"}]


def test_what_is_shown_has_the_order_of_the_api_and_no_empty_extras() -> None:
    names = list(shown(Config, {"Cmd": ["x"], "Hostname": "h", "StopTimeout": 0}))
    assert names[:3] == ["Hostname", "Domainname", "User"]
    assert "StopTimeout" in names
    assert "Healthcheck" not in names
    assert "Sysctls" not in shown(HostConfig, {"Sysctls": {}})
    assert shown(HostConfig, {"Init": False})["Init"] is False


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.5, "1", True, [], {}])
def test_numbers_are_those_of_go(value: object) -> None:
    with pytest.raises(Invalid):
        created(HostConfig={"Memory": value})


def test_the_authority_for_a_registry() -> None:
    text = base64.urlsafe_b64encode(b'{"username":"u","password":"p?>"}').decode().rstrip("=")
    found = auth.from_header(text)
    assert found is not None
    assert (found.username, found.password) == ("u", "p?>")
    for nonsense in ("", "!!!", "bm90IGpzb24=", "W10="):
        assert auth.from_header(nonsense) is None
