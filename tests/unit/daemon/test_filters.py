"""Filters as clients send them, and what they choose."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from boxship.daemon import image_selection, selection
from boxship.daemon.container import Container, Record, State
from boxship.daemon.containers import Containers
from boxship.daemon.filters import Filters
from boxship.daemon.routes.prune import doomed, until_ns
from boxship.daemon.routes.system import wanted
from boxship.daemon.waits import Waits
from boxship.model.errors import Invalid, NotFound

KNOWN = ("label", "name", "status", "dangling")


def test_both_forms_are_understood() -> None:
    for text in ('{"status":["a","b"]}', '{"status":{"a":true,"b":true}}'):
        assert Filters.parse(text, KNOWN).get("status") == ["a", "b"]
    assert not Filters.parse("", KNOWN)
    assert not Filters.parse("{}", KNOWN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "invalid filter"),
        ("[]", "invalid filter"),
        ('{"status":"x"}', "invalid filter"),
        ('{"status":[1]}', "invalid filter"),
        ("\udcff", "invalid filter"),
        ('{"foo":["x"]}', "invalid filter 'foo'"),
    ],
)
def test_nonsense_is_refused_in_dockers_words(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        Filters.parse(text, KNOWN)
    assert caught.value.message == message


def test_labels_must_all_be_there() -> None:
    filters = Filters.parse('{"label":["a","b=1"]}', KNOWN)
    assert filters.labelled({"a": "x", "b": "1"})
    assert not filters.labelled({"a": "x", "b": "2"})
    assert not filters.labelled({"b": "1"})
    assert not filters.labelled(None)


def test_truth_is_one_word() -> None:
    assert Filters.parse('{"dangling":["1"]}', KNOWN).truth("dangling") is True
    assert Filters.parse('{"dangling":["False"]}', KNOWN).truth("dangling") is False
    assert Filters.parse("", KNOWN).truth("dangling") is None
    with pytest.raises(Invalid, match=r"invalid filter 'dangling=\[maybe\]'"):
        Filters.parse('{"dangling":["maybe"]}', KNOWN).truth("dangling")


def test_a_broken_pattern_matches_nothing_and_does_not_fail() -> None:
    assert not Filters.parse('{"name":["("]}', KNOWN).matches("name", "web")
    assert Filters.parse('{"name":["^w"]}', KNOWN).matches("name", "web")


def made(name: str, born: int, **state: Any) -> Container:  # noqa: ANN401 - fields of State
    record = Record(
        id=name * 32,
        name=name,
        created_ns=born,
        image_id="sha256:1",
        image_ref="busybox",
        config={"Labels": {"tier": name}, "ExposedPorts": {"81/tcp": {}}},
        host_config={"Isolation": ""},
        networking={"bridge": {}},
        path="sh",
        args=[],
        platform="linux",
        top_layer=None,
        log_path="",
        mounts=[{"Type": "volume", "Name": "data", "Destination": "/data"}],
    )
    return Container(record, State(**state), Waits())


@pytest.fixture
async def engine() -> Any:  # noqa: ANN401 - stands for the engine: two parts of it
    containers = Containers()
    containers.add(made("aa", 1, status="running", started_at_ns=1))
    containers.add(made("bb", 2, status="exited", started_at_ns=1, exit_code=4))
    containers.add(made("cc", 3))
    published = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
    containers.get("aa").network_settings = {"Ports": published, "Networks": {"bridge": {}}}

    def get(name: str) -> Any:  # noqa: ANN401
        if name != "busybox":
            raise NotFound(f"No such image: {name}")
        return SimpleNamespace(id="sha256:1")

    images = SimpleNamespace(get=get, list=list)
    return SimpleNamespace(containers=containers, images=images)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "aa"),
        ('{"status":["exited","created"]}', "cc bb"),
        ('{"exited":["4"]}', "bb"),
        ('{"exited":["0"]}', ""),
        ('{"name":["^/?a"]}', "aa"),
        ('{"before":["cc"]}', "bb aa"),
        ('{"since":["aa"]}', "cc bb"),
        ('{"label":["tier=aa"]}', "aa"),
        ('{"ancestor":["busybox"]}', "aa"),
        ('{"ancestor":["nope"]}', ""),
        ('{"publish":["80"]}', "aa"),
        ('{"publish":["8080"]}', ""),
        ('{"expose":["80-90/tcp"]}', "aa"),
        ('{"volume":["/data"],"network":["bridge"]}', "aa"),
        ('{"health":["healthy"]}', ""),
        ('{"is-task":["false"]}', "aa"),
        ('{"is-task":["true"]}', ""),
    ],
)
async def test_which_containers_are_listed(engine: Any, text: str, names: str) -> None:  # noqa: ANN401
    filters = Filters.parse(text, selection.FILTERS)
    chosen = selection.select(engine, filters, everything=False)
    assert [container.name for container in chosen] == names.split()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"status":["x"]}',
            "invalid filter 'status=x': invalid value for state (x): must be one of "
            "created, running, paused, restarting, removing, exited, dead",
        ),
        (
            '{"exited":["x"]}',
            "invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            '{"publish":["x"]}',
            'error while looking up for publish x: strconv.ParseUint: parsing "x": invalid syntax',
        ),
        ('{"publish":["1-99999"]}', "error while looking up for publish 1-99999: no such range"),
    ],
)
async def test_a_value_that_makes_no_sense(engine: Any, text: str, message: str) -> None:  # noqa: ANN401
    with pytest.raises(Invalid) as caught:
        selection.select(engine, Filters.parse(text, selection.FILTERS), everything=True)
    assert caught.value.message.startswith(message)


async def test_before_a_container_that_is_not_there(engine: Any) -> None:  # noqa: ANN401
    filters = Filters.parse('{"before":["nope"]}', selection.FILTERS)
    with pytest.raises(NotFound, match="No such container: nope"):
        selection.select(engine, filters, everything=True)


def test_which_images_are_listed() -> None:
    def image(born: int, *tags: str) -> Any:  # noqa: ANN401
        created = f"2026-01-0{born}T00:00:00Z"
        config = {"created": created, "config": {"Labels": {"n": str(born)}}}
        return SimpleNamespace(repo_tags=list(tags), repo_digests=[], config=config)

    known = {
        "busybox": image(1, "busybox:1", "host:5000/tools/busybox:2"),
        "none": image(2),
        "debian": image(3, "debian:12"),
    }
    images = SimpleNamespace(list=lambda: list(known.values()), get=known.__getitem__)

    def names(text: str) -> list[str]:
        chosen = image_selection.select(images, Filters.parse(text, image_selection.FILTERS))
        return [name for image in chosen for name, other in known.items() if other is image]

    assert names("") == ["debian", "none", "busybox"]
    assert names('{"dangling":["true"]}') == ["none"]
    assert names('{"dangling":["false"]}') == ["debian", "busybox"]
    assert names('{"reference":["busybox"]}') == ["busybox"]
    assert names('{"reference":["*:12"]}') == ["debian"]
    assert names('{"reference":["host:5000/*/busybox"]}') == ["busybox"]
    assert names('{"reference":["busy"]}') == []
    assert names('{"label":["n=3"]}') == ["debian"]
    assert names('{"before":["none"]}') == ["busybox"]
    assert names('{"since":["none"]}') == ["debian"]


def test_prune_takes_what_is_old_and_unlabelled() -> None:
    known = ("label", "label!", "until")
    assert doomed(Filters.parse('{"label!":["keep"]}', known), {}, 0)
    assert not doomed(Filters.parse('{"label!":["keep"]}', known), {"keep": "1"}, 0)
    assert doomed(Filters.parse('{"until":["10"]}', known), {}, 9_000_000_000)
    assert not doomed(Filters.parse('{"until":["10"]}', known), {}, 11_000_000_000)
    assert until_ns("1h30m", 10_000 * 10**9) == (10_000 - 5_400) * 10**9
    with pytest.raises(Invalid):
        until_ns("soon", 0)


def test_events_are_chosen_by_type_action_name_and_label() -> None:
    event = {
        "Type": "container",
        "Action": "exec_create: sh ",
        "Actor": {"ID": "abc", "Attributes": {"name": "web", "image": "busybox:1", "a": "b"}},
        "scope": "local",
    }

    def passes(text: str) -> bool:
        return wanted(event, Filters.parse(text, None))

    assert passes("")
    assert passes('{"type":["container"],"event":["exec_create"]}')
    assert passes('{"container":["web"]}')
    assert passes('{"container":["ab"]}')
    assert passes('{"image":["busybox"],"label":["a=b"]}')
    assert not passes('{"container":["we"]}')
    assert not passes('{"network":["web"]}')
    assert not passes('{"event":["exec"]}')
    assert passes('{"unknown":["x"]}')
