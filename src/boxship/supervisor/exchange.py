"""Events: everyone publishes here, subscribers take out what their filters let through.

A subscriber has a bounded queue; one that does not keep up is dropped and told so.  What ended
while no supervisor ran is told in its first seconds, when no client may have come back yet: those
events wait for the first subscriber that they match.
"""

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pool, message_factory

from boxship.api.containerd import container_events_pb2, namespace_events_pb2, task_events_pb2
from boxship.api.containerd.event_pb2 import Envelope
from boxship.api.shim.client import CallFailed
from boxship.model.errors import Invalid
from boxship.supervisor.filters import parse_filters
from boxship.supervisor.identifiers import check_identifier
from boxship.wire import ttrpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from google.protobuf.any_pb2 import Any
    from google.protobuf.message import Message

    from boxship.supervisor.filters import Filter, Path

log = logging.getLogger(__name__)

# Imported so that their messages are known by name: `event.container_id` looks inside.
KNOWN = (container_events_pb2, namespace_events_pb2, task_events_pb2)

MAX_BEHIND = 4096
HOLD_S = 30.0
HELD = ("/tasks/exit", "/tasks/oom")


class Subscription:
    """What one subscriber has still to take."""

    def __init__(self, matches: "Filter") -> None:
        """Made by Exchange.subscribe."""
        self.matches = matches
        self.waiting: deque[Envelope] = deque()
        self.dropped = False
        self._news = asyncio.Event()

    def offer(self, envelope: Envelope) -> None:
        """Take it if it matches; a queue that is full drops the whole subscription."""
        if self.dropped or not self.matches(lambda path: field_of(envelope, path)):
            return
        if len(self.waiting) >= MAX_BEHIND:
            self.dropped = True
            self.waiting.clear()
        else:
            self.waiting.append(envelope)
        self._news.set()

    async def take(self) -> Envelope:
        """The next event; CallFailed once the subscription was dropped."""
        while not self.waiting:
            if self.dropped:
                text = f"subscriber dropped: it was {MAX_BEHIND} events behind"
                raise CallFailed(ttrpc.RESOURCE_EXHAUSTED, text)
            self._news.clear()
            await self._news.wait()
        return self.waiting.popleft()


class Exchange:
    """Events come in by `publish` or `forward`, and go to every subscription they match."""

    def __init__(self, now: float | None = None) -> None:
        """Events are held for first subscribers until HOLD_S after `now`."""
        self._subscriptions: set[Subscription] = set()
        self._held: deque[Envelope] = deque(maxlen=MAX_BEHIND)
        self._hold_until = (time.monotonic() if now is None else now) + HOLD_S

    def publish(self, namespace: str, topic: str, event: "Message") -> None:
        """Put an event of ours into its envelope and send it."""
        envelope = Envelope(namespace=namespace, topic=topic)
        envelope.timestamp.GetCurrentTime()
        envelope.event.type_url = event.DESCRIPTOR.full_name
        envelope.event.value = event.SerializeToString()
        self._send(envelope)

    def publish_any(self, namespace: str, topic: str, event: "Any") -> None:
        """Put a client's event into its envelope and send it."""
        envelope = Envelope(namespace=namespace, topic=topic, event=event)
        envelope.timestamp.GetCurrentTime()
        self.forward(envelope)

    def forward(self, envelope: Envelope) -> None:
        """Send an envelope as it came from elsewhere."""
        check_identifier(envelope.namespace)
        check_topic(envelope.topic)
        if not envelope.HasField("timestamp"):
            envelope.timestamp.GetCurrentTime()
        self._send(envelope)

    def _send(self, envelope: Envelope) -> None:
        log.debug("event %s %s", envelope.namespace, envelope.topic)
        for subscription in self._subscriptions:
            subscription.offer(envelope)
        if self._hold_until and envelope.topic in HELD:
            self._hold(envelope)

    def _hold(self, envelope: Envelope) -> None:
        if time.monotonic() > self._hold_until:
            self._hold_until = 0.0
            self._held.clear()
        elif not self._subscriptions:
            self._held.append(envelope)

    async def subscribe(self, filters: "Iterable[str]") -> "AsyncIterator[Envelope]":
        """Every event from now on that matches; ends only when the caller stops."""
        subscription = Subscription(parse_filters(filters))
        self._release(subscription)
        self._subscriptions.add(subscription)
        try:
            while True:
                yield await subscription.take()
        finally:
            self._subscriptions.discard(subscription)

    def _release(self, subscription: Subscription) -> None:
        """Give what was held to the first who wants it, while it is still news."""
        held, self._held = self._held, deque(maxlen=MAX_BEHIND)
        if time.monotonic() > self._hold_until:
            return
        for envelope in held:
            before = len(subscription.waiting)
            subscription.offer(envelope)
            if len(subscription.waiting) == before:
                self._held.append(envelope)


def check_topic(topic: str) -> None:
    """Topics look like /tasks/exit; Invalid otherwise."""
    if not topic:
        raise Invalid("envelope topic must not be empty")
    if not topic.startswith("/") or topic == "/":
        raise Invalid(f"topic {topic!r} must start with '/' and name something")
    for part in topic.split("/")[1:]:
        check_identifier(part)


def field_of(envelope: Envelope, path: "Path") -> str | None:
    """A field as filters name it: namespace, topic, or event.<field of the event>."""
    if path == ("namespace",):
        return envelope.namespace or None
    if path == ("topic",):
        return envelope.topic or None
    if path and path[0] == "event":
        return _event_field(envelope, path[1:])
    return None


def _event_field(envelope: Envelope, path: "Path") -> str | None:
    name = envelope.event.type_url.rsplit("/", 1)[-1]
    try:
        kind = descriptor_pool.Default().FindMessageTypeByName(name)
        value = message_factory.GetMessageClass(kind).FromString(envelope.event.value)
        for at, field in enumerate(path):
            value = getattr(value, field)
            if hasattr(value, "keys"):  # labels: the rest of the path is the key
                found = value.get(".".join(path[at + 1 :]))
                return None if found is None else str(found)
    except (KeyError, AttributeError, ValueError):
        return None
    return None if hasattr(value, "DESCRIPTOR") else str(value)
