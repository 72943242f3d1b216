"""What is known of networks, sandboxes and endpoints, in memory: reads wait for nobody."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from boxship.model.errors import Invalid, NotFound

if TYPE_CHECKING:
    from boxship.network.store import Store
    from boxship.network.values import Endpoint, Network, Sandbox


class Catalogue:
    """The rows as values.  Written by one thread, read by any: each step is one of a dict's."""

    def __init__(self) -> None:
        """Empty."""
        self._networks: dict[str, Network] = {}
        self._sandboxes: dict[str, Sandbox] = {}
        self._endpoints: dict[str, list[Endpoint]] = {}

    def load(self, store: Store) -> None:
        """Read all rows."""
        self._networks = {network.id: network for network in store.networks()}
        self._sandboxes = {sandbox.container_id: sandbox for sandbox in store.sandboxes()}
        self._endpoints = {}
        for endpoint in store.endpoints():
            self._endpoints.setdefault(endpoint.container_id, []).append(endpoint)

    def networks(self) -> list[Network]:
        """Every network, the containers left out."""
        return list(self._networks.values())

    def find(self, network_id: str) -> Network | None:
        """The network of exactly this id."""
        return self._networks.get(network_id)

    def named(self, name: str) -> Network | None:
        """The network of exactly this name."""
        return next((each for each in self.networks() if each.name == name), None)

    def network(self, reference: str) -> Network:
        """By id, name or the beginning of an id, in this order."""
        reference = "bridge" if reference == "default" else reference
        found = self.find(reference) or self.named(reference)
        if found is not None:
            return found
        starting = [each for each in self.networks() if each.id.startswith(reference)]
        if not starting or not reference:
            raise NotFound(f"network {reference} not found", hint="`network ls` shows all")
        if len(starting) > 1:
            count = len(starting)
            raise Invalid(
                f"network {reference} is ambiguous ({count} matches found based on ID prefix)"
            )
        return starting[0]

    def inspected(self, network: Network) -> Network:
        """A network with its containers, as Docker shows them."""
        containers = {}
        for endpoint in self.endpoints_on(network.id):
            prefix = IPv4Network(network.subnet).prefixlen if network.subnet else 0
            containers[endpoint.container_id] = {
                "Name": endpoint.name,
                "EndpointID": endpoint.id,
                "MacAddress": endpoint.mac,
                "IPv4Address": f"{endpoint.ip}/{prefix}" if endpoint.ip else "",
                "IPv6Address": "",
            }
        return replace(network, containers=containers)

    def put(self, network: Network) -> None:
        """Add a network or replace it."""
        self._networks[network.id] = network

    def drop(self, network_id: str) -> None:
        """Leave a network out."""
        self._networks.pop(network_id, None)

    def sandboxes(self) -> list[Sandbox]:
        """Every sandbox."""
        return list(self._sandboxes.values())

    def sandbox_of(self, container_id: str) -> Sandbox | None:
        """The sandbox of a container."""
        return self._sandboxes.get(container_id)

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint."""
        return [endpoint for group in list(self._endpoints.values()) for endpoint in group]

    def endpoints_of(self, container_id: str) -> list[Endpoint]:
        """The endpoints of a container."""
        return list(self._endpoints.get(container_id, ()))

    def endpoints_on(self, network_id: str) -> list[Endpoint]:
        """The endpoints on a network."""
        return [endpoint for endpoint in self.endpoints() if endpoint.network_id == network_id]

    def add(self, sandbox: Sandbox | None, endpoint: Endpoint) -> None:
        """An endpoint, and its sandbox if that is new."""
        if sandbox is not None:
            self._sandboxes[sandbox.container_id] = sandbox
        self._endpoints[endpoint.container_id] = [
            *self.endpoints_of(endpoint.container_id),
            endpoint,
        ]

    def rename(self, container_id: str, name: str) -> None:
        """Give the endpoints of a container its new name."""
        if container_id in self._endpoints:
            renamed = [replace(each, name=name) for each in self._endpoints[container_id]]
            self._endpoints[container_id] = renamed

    def remove(self, container_id: str) -> None:
        """Everything of a container."""
        self._sandboxes.pop(container_id, None)
        self._endpoints.pop(container_id, None)
