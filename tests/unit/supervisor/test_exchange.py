"""Events from publishers to subscribers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from boxship.api.containerd.container_events_pb2 import ContainerUpdate
from boxship.api.containerd.event_pb2 import Envelope
from boxship.api.containerd.task_events_pb2 import TaskExit, TaskStart
from boxship.api.shim.client import CallFailed
from boxship.model.errors import Invalid
from boxship.supervisor.exchange import HOLD_S, MAX_BEHIND, Exchange, field_of


def exchange_long_after_its_start() -> Exchange:
    return Exchange(now=-2 * HOLD_S)


async def begin(events: AsyncIterator[Envelope]) -> "asyncio.Task[Envelope]":
    """Let a subscriber wait for its first event."""
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    return waiting


async def test_a_subscriber_gets_what_its_filter_lets_through() -> None:
    exchange = exchange_long_after_its_start()
    first = await begin(exchange.subscribe(["topic==/tasks/exit,event.container_id==web"]))
    exchange.publish("moby", "/tasks/start", TaskStart(container_id="web"))
    exchange.publish("moby", "/tasks/exit", TaskExit(container_id="db"))
    exchange.publish("moby", "/tasks/exit", TaskExit(container_id="web", exit_status=7))
    envelope = await first
    assert (envelope.namespace, envelope.topic) == ("moby", "/tasks/exit")
    assert TaskExit.FromString(envelope.event.value).exit_status == 7
    assert envelope.event.type_url == "containerd.events.TaskExit"
    assert envelope.timestamp.seconds > 0


async def test_everyone_gets_every_event_in_order() -> None:
    exchange = exchange_long_after_its_start()
    both = [exchange.subscribe([]), exchange.subscribe(["namespace==moby"])]
    firsts = [await begin(events) for events in both]
    for pid in range(3):
        exchange.publish("moby", "/tasks/start", TaskStart(pid=pid))
    for first, events in zip(firsts, both, strict=True):
        got = [await first, await anext(events), await anext(events)]
        assert [TaskStart.FromString(e.event.value).pid for e in got] == [0, 1, 2]


async def test_a_slow_subscriber_is_dropped_and_told_so() -> None:
    exchange = exchange_long_after_its_start()
    events = exchange.subscribe([])
    first = await begin(events)
    for _ in range(MAX_BEHIND + 2):
        exchange.publish("moby", "/tasks/start", TaskStart())
    (outcome,) = await asyncio.gather(first, return_exceptions=True)
    assert isinstance(outcome, CallFailed)
    assert "dropped" in str(outcome)


async def test_a_subscriber_that_leaves_is_forgotten() -> None:
    exchange = exchange_long_after_its_start()
    events = exchange.subscribe([])
    waiting = await begin(events)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not exchange._subscriptions


async def test_ends_of_the_first_seconds_wait_for_the_first_who_wants_them() -> None:
    exchange = Exchange()
    exchange.publish("moby", "/tasks/exit", TaskExit(container_id="web"))
    exchange.publish("moby", "/tasks/start", TaskStart(container_id="web"))
    other = await begin(exchange.subscribe(["namespace==k8s"]))
    first = await (await begin(exchange.subscribe(["namespace==moby"])))
    assert first.topic == "/tasks/exit"
    late = await begin(exchange.subscribe([]))
    assert not late.done()
    assert not other.done()
    for waiting in (late, other):
        waiting.cancel()


@pytest.mark.parametrize("topic", ["", "tasks/exit", "/", "/tasks/ex it"])
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    envelope = Envelope(namespace="moby", topic=topic)
    with pytest.raises(Invalid):
        exchange_long_after_its_start().forward(envelope)


def test_fields_of_an_event() -> None:
    event = ContainerUpdate(id="web", labels={"a.b": "c"})
    envelope = Envelope(namespace="moby", topic="/containers/update")
    envelope.event.Pack(event)
    assert field_of(envelope, ("event", "id")) == "web"
    assert field_of(envelope, ("event", "labels", "a", "b")) == "c"
    assert field_of(envelope, ("event", "labels", "x")) is None
    assert field_of(envelope, ("event", "nope")) is None
    assert field_of(envelope, ("timestamp",)) is None
    envelope.event.type_url = "of.nobody"
    assert field_of(envelope, ("event", "id")) is None
