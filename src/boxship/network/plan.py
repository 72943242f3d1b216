"""Which operations make an endpoint, and which take it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.network.operations import (
    AwaitLink,
    Connect,
    DeleteLink,
    DropSandbox,
    Forget,
    ForgetFlows,
    MakeSandbox,
    Publish,
    Record,
    Silence,
    Unpublish,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.network.firewall import Firewall
    from boxship.network.host import Host
    from boxship.network.operations import Operation, SandboxHandle
    from boxship.network.store import Store
    from boxship.network.values import Endpoint, Network, Sandbox


class Planner:
    """Plans in terms of one host, store and firewall."""

    def __init__(self, host: Host, store: Store, firewall: Firewall, netns: str) -> None:
        """`netns` is the directory of the namespaces' files."""
        self._host, self._store, self._firewall = host, store, firewall
        self._netns = netns

    def path(self, sandbox: Sandbox) -> str:
        """The file that keeps a sandbox's namespace; named as Docker does."""
        return f"{self._netns}/{sandbox.id[:12]}"

    def attach(
        self,
        network: Network,
        endpoint: Endpoint,
        sandbox: Sandbox | None,
        handle: SandboxHandle | None,
    ) -> list[Operation]:
        """A new sandbox and its first endpoint; the record comes first, so nothing is ever lost.

        The rules come last: nobody reaches a port before there is something behind it.
        """
        plan: list[Operation] = [Record(self._store, sandbox, endpoint)]
        if handle is not None:
            plan.append(MakeSandbox(handle))
            if network.bridge:
                plan.append(Connect(self._host, network, endpoint, handle))
        if endpoint.ports:
            plan.append(Publish(self._firewall, endpoint))
        if _has_udp(endpoint):
            plan.append(ForgetFlows(self._host, endpoint))
        if endpoint.link and handle is not None:
            plan.append(AwaitLink(self._host, network, endpoint, handle))
        return plan

    def detach(
        self, container_id: str, endpoints: Iterable[Endpoint], sandbox: Sandbox | None
    ) -> list[Operation]:
        """All that a container has; the record goes last."""
        plan: list[Operation] = []
        for endpoint in endpoints:
            if endpoint.ports:
                plan.append(Unpublish(self._firewall, endpoint))
            if endpoint.link:
                plan.append(Silence(self._host, endpoint.link))
            if _has_udp(endpoint):
                plan.append(ForgetFlows(self._host, endpoint))
        if sandbox is not None:
            plan.append(DropSandbox(self.path(sandbox)))
        plan.append(Forget(self._store, container_id))
        return plan

    def clear(
        self, container_id: str, endpoints: Iterable[Endpoint], sandbox: Sandbox | None
    ) -> list[Operation]:
        """The same after a crash, when nothing is known of how far things came."""
        drops: list[Operation] = [DropSandbox(self.path(sandbox))] if sandbox else []
        links = [DeleteLink(self._host, each.link) for each in endpoints if each.link]
        return [*drops, *links, Forget(self._store, container_id)]

    def reconnect(
        self, network: Network, endpoint: Endpoint, handle: SandboxHandle
    ) -> list[Operation]:
        """The link of a living container, again."""
        return [Connect(self._host, network, endpoint, handle)]


def _has_udp(endpoint: Endpoint) -> bool:
    return any(port.protocol == "udp" for port in endpoint.ports)
