"""containerd.services.events.v1: what happened, to whoever wants to know."""

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from boxship.api.containerd import events_pb2 as api
from boxship.supervisor.grpc import Call, Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from boxship.api.containerd.event_pb2 import Envelope
    from boxship.supervisor.exchange import Exchange


class Events(Service):
    """Publish, Forward, Subscribe."""

    descriptor = api.DESCRIPTOR.services_by_name["Events"]

    def __init__(self, exchange: "Exchange") -> None:
        """Everything goes through `exchange`."""
        self._exchange = exchange

    async def Publish(self, call: Call, request: api.PublishRequest) -> Empty:
        """An event of the caller's, in its namespace, now."""
        self._exchange.publish_any(call.namespace, request.topic, request.event)
        return Empty()

    async def Forward(self, _: Call, request: api.ForwardRequest) -> Empty:
        """An event with namespace and time as they were elsewhere."""
        self._exchange.forward(request.envelope)
        return Empty()

    def Subscribe(self, _: Call, request: api.SubscribeRequest) -> "AsyncIterator[Envelope]":
        """Of all namespaces, unless a filter says otherwise."""
        return self._exchange.subscribe(request.filters)
