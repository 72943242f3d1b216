"""containerd.services.namespaces.v1: names that keep the containers of clients apart."""

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from boxship.api.containerd import namespace_events_pb2 as events
from boxship.api.containerd import namespaces_pb2 as api
from boxship.model.errors import Invalid
from boxship.supervisor.grpc import Call, Service
from boxship.supervisor.identifiers import check_identifier

if TYPE_CHECKING:
    from boxship.supervisor.exchange import Exchange
    from boxship.supervisor.store import Store


class Namespaces(Service):
    """Get, List, Create, Update, Delete."""

    descriptor = api.DESCRIPTOR.services_by_name["Namespaces"]

    def __init__(self, store: "Store", exchange: "Exchange") -> None:
        """Records are in `store`, changes are told to `exchange`."""
        self._store = store
        self._exchange = exchange

    async def Get(self, _: Call, request: api.GetNamespaceRequest) -> api.GetNamespaceResponse:
        """One that is not there has no labels, as in containerd."""
        labels = self._store.namespace_labels(request.name) or {}
        return api.GetNamespaceResponse(namespace=api.Namespace(name=request.name, labels=labels))

    async def List(self, _: Call, request: api.ListNamespacesRequest) -> api.ListNamespacesResponse:
        """All; containerd does not look at the filter."""
        named = self._store.namespaces().items()
        found = [api.Namespace(name=name, labels=labels) for name, labels in named]
        return api.ListNamespacesResponse(namespaces=found)

    async def Create(
        self, _: Call, request: api.CreateNamespaceRequest
    ) -> api.CreateNamespaceResponse:
        """A new one."""
        name, labels = check_identifier(request.namespace.name), dict(request.namespace.labels)
        self._store.create_namespace(name, labels)
        event = events.NamespaceCreate(name=name, labels=labels)
        self._exchange.publish(name, "/namespaces/create", event)
        return api.CreateNamespaceResponse(namespace=request.namespace)

    async def Update(
        self, _: Call, request: api.UpdateNamespaceRequest
    ) -> api.UpdateNamespaceResponse:
        """All labels, or those that the mask names; an empty value removes one."""
        name = check_identifier(request.namespace.name)
        labels = self._store.namespace_labels(name) or {}
        merge_labels(labels, dict(request.namespace.labels), list(request.update_mask.paths))
        self._store.set_namespace_labels(name, labels)
        event = events.NamespaceUpdate(name=name, labels=labels)
        self._exchange.publish(name, "/namespaces/update", event)
        return api.UpdateNamespaceResponse(namespace=api.Namespace(name=name, labels=labels))

    async def Delete(self, _: Call, request: api.DeleteNamespaceRequest) -> Empty:
        """Only an empty one."""
        self._store.delete_namespace(request.name)
        event = events.NamespaceDelete(name=request.name)
        self._exchange.publish(request.name, "/namespaces/delete", event)
        return Empty()


def merge_labels(labels: dict[str, str], wanted: dict[str, str], paths: list[str]) -> None:
    """Change `labels` as a field mask says: `labels`, `labels.<key>`, or all without a mask."""
    for path in paths or ["labels"]:
        if path == "labels":
            labels.clear()
            labels.update(wanted)
        elif path.startswith("labels."):
            key = path.removeprefix("labels.")
            labels[key] = wanted.get(key, "")
        else:
            raise Invalid(f'cannot update "{path}" field')
    for key in [key for key, value in labels.items() if not value]:
        del labels[key]
