"""Containers by id, name and prefix; waits; events."""

from __future__ import annotations

import pytest

from boxship.daemon.container import Container, State
from boxship.daemon.containers import Containers
from boxship.daemon.events import Events
from boxship.daemon.waits import Waits
from boxship.model.errors import Conflict, Invalid, NotFound
from suites.engine_records import record


def container(container_id: str, name: str) -> Container:
    made = record(name)
    made.id = container_id
    return Container(made, State(), Waits())


async def test_names_win_over_prefixes_and_an_ambiguous_prefix_is_refused() -> None:
    containers = Containers()
    first, second, third = (
        container("42aa", "web1"),
        container("42bb", "web2"),
        container("99", "42b"),
    )
    for c in (first, second, third):
        containers.add(c)
    assert containers.get("42aa") is containers.get("/web1") is containers.get("42a") is first
    assert containers.get("42b") is third
    with pytest.raises(Invalid, match="multiple IDs found with provided prefix: 42"):
        containers.get("42")
    with pytest.raises(NotFound, match="No such container: x"):
        containers.get("x")


async def test_a_name_has_one_owner() -> None:
    containers = Containers()
    containers.claim("web1", "42aa")
    with pytest.raises(Conflict) as caught:
        containers.claim("web1", "42bb")
    assert str(caught.value) == (
        'Conflict. The container name "/web1" is already in use by container "42aa". '
        "You have to remove (or rename) that container to be able to reuse that name."
    )
    containers.release("web1", "42bb")
    assert containers.taken("web1")
    containers.release("web1", "42aa")
    containers.claim("web1", "42bb")


async def test_waiting_answers_at_once_for_a_container_that_has_ended() -> None:
    waits, state = Waits(), State(status="exited", exit_code=7)
    assert await waits.begin(state, "") == (7, None)
    next_exit, removed = waits.begin(state, "next-exit"), waits.begin(state, "removed")
    state.exit_code = 8
    waits.exited(state)
    assert await next_exit == (8, None)
    assert not removed.done()
    waits.removed(state)
    assert await removed == (8, None)
    assert await waits.begin(state, "removed") == (8, None)
    with pytest.raises(Invalid, match='invalid condition: "what"'):
        waits.begin(state, "what")


async def test_events_are_replayed_then_followed_until_the_end() -> None:
    now = 1_000_000_000
    events = Events(clock=lambda: now)
    web = container("42aa", "web1")
    web.config["Labels"] = {"tier": "front"}
    events.container(web, "create")
    now += 1
    feed = events.subscribe(since_ns=0)
    events.publish("network", "connect", "n1", {"name": "bridge"})
    first, second = await anext(feed), await anext(feed)
    assert first == {
        "status": "create",
        "id": "42aa",
        "from": "busybox",
        "Type": "container",
        "Action": "create",
        "Actor": {
            "ID": "42aa",
            "Attributes": {"image": "busybox", "name": "web1", "tier": "front"},
        },
        "scope": "local",
        "time": 1,
        "timeNano": 1_000_000_000,
    }
    assert (second["Type"], second["Action"]) == ("network", "connect")
    assert [e["Action"] for e in events.past(now)] == ["connect"]
    assert [e async for e in events.subscribe(since_ns=0, until_ns=now)] == [first, second]
