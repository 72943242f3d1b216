"""containerd.services.containers.v1: the records of containers; nothing runs by them."""

from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from boxship.api.containerd import container_events_pb2 as events
from boxship.api.containerd import containers_pb2 as api
from boxship.model.errors import Conflict, Invalid
from boxship.supervisor.filters import lookup_in, parse_filters
from boxship.supervisor.grpc import Call, Service
from boxship.supervisor.identifiers import check_identifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from boxship.supervisor.exchange import Exchange
    from boxship.supervisor.filters import Path
    from boxship.supervisor.store import Store
    from boxship.supervisor.tasks import Tasks

MUTABLE = ("labels", "spec", "extensions", "image", "snapshot_key")
ALIASES = {"snapshotkey": "snapshot_key"}  # containerd's own clients spell it so


class Containers(Service):
    """Get, List, ListStream, Create, Update, Delete."""

    descriptor = api.DESCRIPTOR.services_by_name["Containers"]

    def __init__(self, store: "Store", tasks: "Tasks", exchange: "Exchange") -> None:
        """A container with a task in `tasks` cannot be deleted."""
        self._store = store
        self._tasks = tasks
        self._exchange = exchange

    async def Get(self, call: Call, request: api.GetContainerRequest) -> api.GetContainerResponse:
        """One record."""
        container = self._store.container(call.namespace, request.id)
        return api.GetContainerResponse(container=container)

    async def List(
        self, call: Call, request: api.ListContainersRequest
    ) -> api.ListContainersResponse:
        """Those that match a filter."""
        found = self._matching(call.namespace, request.filters)
        return api.ListContainersResponse(containers=found)

    async def ListStream(
        self, call: Call, request: api.ListContainersRequest
    ) -> "AsyncIterator[api.ListContainerMessage]":
        """The same, a message for each: no limit on the size of them all."""
        for container in self._matching(call.namespace, request.filters):
            yield api.ListContainerMessage(container=container)

    def _matching(self, namespace: str, filters: "Iterable[str]") -> list[api.Container]:
        matches = parse_filters(filters)
        every = self._store.containers(namespace)
        return [one for one in every if matches(partial(field_of, one))]

    async def Create(
        self, call: Call, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse:
        """A new record; the times are ours."""
        namespace, container = call.namespace, request.container
        check_container(container)
        container.created_at.GetCurrentTime()
        container.updated_at.CopyFrom(container.created_at)
        self._store.create_container(namespace, container)
        event = events.ContainerCreate(id=container.id, image=container.image)
        event.runtime.name = container.runtime.name
        if container.runtime.HasField("options"):
            event.runtime.options.CopyFrom(container.runtime.options)
        self._exchange.publish(namespace, "/containers/create", event)
        return api.CreateContainerResponse(container=container)

    async def Update(
        self, call: Call, request: api.UpdateContainerRequest
    ) -> api.UpdateContainerResponse:
        """The fields of the mask, or every mutable one."""
        namespace, wanted = call.namespace, request.container
        container = self._store.container(namespace, wanted.id)
        paths = list(request.update_mask.paths)
        if not paths:
            check_immutable(container, wanted)
        for path in paths or MUTABLE:
            update_field(container, wanted, path)
        check_container(container)
        container.updated_at.GetCurrentTime()
        self._store.replace_container(namespace, container)
        self._tell_update(namespace, container)
        return api.UpdateContainerResponse(container=container)

    def _tell_update(self, namespace: str, container: api.Container) -> None:
        event = events.ContainerUpdate(
            id=container.id,
            image=container.image,
            labels=dict(container.labels),
            snapshot_key=container.snapshot_key,
        )
        self._exchange.publish(namespace, "/containers/update", event)

    async def Delete(self, call: Call, request: api.DeleteContainerRequest) -> Empty:
        """Forget it.  containerd does so while a task runs; we keep what the task needs."""
        namespace = call.namespace
        if self._tasks.has(namespace, request.id):
            raise Conflict(f"cannot delete container {request.id}: it has a task", hint="delete it")
        self._store.delete_container(namespace, request.id)
        event = events.ContainerDelete(id=request.id)
        self._exchange.publish(namespace, "/containers/delete", event)
        return Empty()


def check_container(container: api.Container) -> None:
    """Invalid, in containerd's words, unless the record can be kept."""
    try:
        check_identifier(container.id)
    except Invalid as error:
        raise Invalid(f"create container failed validation: container.ID: {error}") from error
    if not container.runtime.name:
        raise Invalid("container.Runtime.Name must be set")
    if not container.HasField("spec"):
        raise Invalid("container.Spec must be set")
    if container.snapshot_key and not container.snapshotter:
        raise Invalid("container.Snapshotter must be set when container.SnapshotKey is set")
    for key, value in container.labels.items():
        if len(key) + len(value) > 4096:  # containerd's limit
            raise Invalid(f"label key and value greater than maximum size (4096 bytes), key: {key}")


def check_immutable(container: api.Container, wanted: api.Container) -> None:
    """A full update must not change what never changes."""
    if wanted.snapshotter != container.snapshotter:
        raise Invalid("container.Snapshotter field is immutable")
    if wanted.runtime.name != container.runtime.name:
        raise Invalid("container.Runtime.Name field is immutable")


def update_field(container: api.Container, wanted: api.Container, path: str) -> None:
    """Take one field of the mask over from `wanted`."""
    name, _, key = path.partition(".")
    name = ALIASES.get(name, name)
    if name not in MUTABLE or (key and name not in ("labels", "extensions")):
        raise Invalid(f'cannot update "{path}" field on "{container.id}"')
    if not key:
        container.ClearField(name)  # type: ignore[arg-type]
        part = api.Container()
        part.CopyFrom(wanted)
        for field, _value in part.ListFields():
            if field.name != name:
                part.ClearField(field.name)  # type: ignore[arg-type]
        container.MergeFrom(part)
    elif name == "labels":
        _set_label(container, key, wanted.labels.get(key, ""))
    elif key in wanted.extensions:
        container.extensions[key].CopyFrom(wanted.extensions[key])
    else:
        container.extensions.pop(key, None)


def _set_label(container: api.Container, key: str, value: str) -> None:
    if value:
        container.labels[key] = value
    else:
        container.labels.pop(key, None)


def field_of(container: api.Container, path: "Path") -> str | None:
    """A field as filters name it: id, image, runtime.name, labels.<key>."""
    if path == ("id",):
        return container.id
    if path == ("image",):
        return container.image or None
    if path == ("runtime", "name"):
        return container.runtime.name or None
    if path[0] == "labels":
        return lookup_in(container.labels, path[1:])
    return None
