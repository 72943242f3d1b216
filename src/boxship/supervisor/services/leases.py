"""containerd.services.leases.v1, as far as containers need it: ctr takes one to create one.

A lease keeps content and snapshots from being collected.  This supervisor has neither, so leases
are only remembered, until their owner or the supervisor ends.
"""

import secrets
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from boxship.api.containerd import leases_pb2 as api
from boxship.model.errors import NotFound
from boxship.supervisor.filters import lookup_in, parse_filters
from boxship.supervisor.grpc import Call, Service
from boxship.supervisor.status import Exists

if TYPE_CHECKING:
    from boxship.supervisor.filters import Path


class Leases(Service):
    """Create, Delete, List."""

    descriptor = api.DESCRIPTOR.services_by_name["Leases"]

    def __init__(self) -> None:
        """None yet."""
        self._leases: dict[tuple[str, str], api.Lease] = {}

    async def Create(self, call: Call, request: api.CreateRequest) -> api.CreateResponse:
        """A new one, named by us if it has no name."""
        lease = api.Lease(id=request.id or secrets.token_hex(16), labels=dict(request.labels))
        lease.created_at.GetCurrentTime()
        key = (call.namespace, lease.id)
        if key in self._leases:
            raise Exists(f'lease "{lease.id}"')
        self._leases[key] = lease
        return api.CreateResponse(lease=lease)

    async def Delete(self, call: Call, request: api.DeleteRequest) -> Empty:
        """Give it up."""
        if self._leases.pop((call.namespace, request.id), None) is None:
            raise NotFound(f'lease "{request.id}"')
        return Empty()

    async def List(self, call: Call, request: api.ListRequest) -> api.ListResponse:
        """Those that match a filter."""
        matches, namespace = parse_filters(request.filters), call.namespace
        every = [lease for (owner, _), lease in sorted(self._leases.items()) if owner == namespace]
        return api.ListResponse(leases=[one for one in every if matches(partial(field_of, one))])


def field_of(lease: api.Lease, path: "Path") -> str | None:
    """A field as filters name it: id, labels.<key>."""
    if path == ("id",):
        return lease.id
    return lookup_in(lease.labels, path[1:]) if path[0] == "labels" else None
