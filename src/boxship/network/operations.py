"""The steps by which endpoints come and go.  Each describes itself, does, and can be undone.

Undoing a step that was begun and not finished is part of its contract: after a failure, and after
a kill -9 at any moment, the same words clean up.
"""

from __future__ import annotations

import errno
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from boxship.kernel.links import Address, Veth
from boxship.network import host as hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Interface

    from boxship.network.firewall import Firewall
    from boxship.network.store import Store
    from boxship.network.values import Endpoint, Network, Sandbox

FORWARDING_S = 2.0

log = logging.getLogger(__name__)


class Operation(Protocol):
    """One change."""

    def describe(self) -> str:
        """What it does, as log, dry run and errors say it."""

    def execute(self) -> None:
        """Do it."""

    def undo(self) -> None:
        """Take it back, however far it came."""


class Record:
    """Write down who gets which address, before anything exists that would have to be found."""

    def __init__(self, store: Store, sandbox: Sandbox | None, endpoint: Endpoint) -> None:
        """`sandbox` is None if the container has one already, or needs none."""
        self._store, self._sandbox, self._endpoint = store, sandbox, endpoint

    def describe(self) -> str:
        """See Operation."""
        address = f" with {self._endpoint.ip}" if self._endpoint.ip else ""
        return f"record endpoint {self._endpoint.id[:12]} of {self._endpoint.name}{address}"

    def execute(self) -> None:
        """See Operation."""
        self._store.add(self._sandbox, self._endpoint)

    def undo(self) -> None:
        """See Operation."""
        self._store.forget(self._endpoint.container_id)


class Forget:
    """Strike the record out, when all that it speaks of is gone."""

    def __init__(self, store: Store, container_id: str) -> None:
        """Name the container."""
        self._store, self._container_id = store, container_id

    def describe(self) -> str:
        """See Operation."""
        return f"forget the endpoints of {self._container_id[:12]}"

    def execute(self) -> None:
        """See Operation."""
        self._store.forget(self._container_id)

    def undo(self) -> None:
        """See Operation."""


class SandboxHandle:
    """The namespace of a sandbox while operations work on it."""

    def __init__(self, path: str) -> None:
        """Not open yet."""
        self.path = path
        self._open: hosts.Namespace | None = None

    def make(self) -> None:
        """Make it."""
        self._open = hosts.make_namespace(self.path)

    @property
    def namespace(self) -> hosts.Namespace:
        """It, open."""
        if self._open is None:
            self._open = hosts.open_namespace(self.path)
        return self._open

    def close(self) -> None:
        """Close what was opened."""
        if self._open is not None:
            self._open.close()
            self._open = None


class MakeSandbox:
    """A namespace with its loopback up."""

    def __init__(self, handle: SandboxHandle) -> None:
        """Name its file."""
        self._handle = handle

    def describe(self) -> str:
        """See Operation."""
        return f"make network namespace {self._handle.path}"

    def execute(self) -> None:
        """See Operation."""
        self._handle.make()

    def undo(self) -> None:
        """See Operation."""
        self._handle.close()
        hosts.drop_namespace(self._handle.path)


class DropSandbox:
    """Let a namespace go; the kernel takes its links away in its own time."""

    def __init__(self, path: str) -> None:
        """Name its file."""
        self._path = path

    def describe(self) -> str:
        """See Operation."""
        return f"drop network namespace {self._path}"

    def execute(self) -> None:
        """See Operation."""
        hosts.drop_namespace(self._path)

    def undo(self) -> None:
        """See Operation."""


class Connect:
    """A veth pair from a bridge into a sandbox, with address and default route."""

    def __init__(
        self, host: hosts.Host, network: Network, endpoint: Endpoint, handle: SandboxHandle
    ) -> None:
        """All names are in the values."""
        self._host, self._network, self._endpoint = host, network, endpoint
        self._handle = handle

    def describe(self) -> str:
        """See Operation."""
        ends = f"{self._endpoint.link} on {self._network.bridge} to eth0 in {self._handle.path}"
        return f"connect {ends} ({self._interface()}, {self._endpoint.mac})"

    def execute(self) -> None:
        """See Operation."""
        namespace = self._handle.namespace
        link = self._endpoint.link
        bridge = _index(self._host, self._network.bridge)
        veth = Veth(
            link,
            peer="eth0",
            namespace_fd=namespace.fd,
            mac=self._endpoint.mac,
            mtu=self._network.mtu,
        )
        veth.master = bridge
        self._host.links.create_veth(veth)
        self._configure(namespace)
        # Who had this address before may have had a MAC of its own choice.
        self._host.links.set_neighbour(bridge, self._endpoint.ip, self._endpoint.mac)
        if self._endpoint.ports:
            # To its own published port a frame comes back to the port of the bridge it came from.
            self._host.links.hairpin(_index(self._host, link))

    def _configure(self, namespace: hosts.Namespace) -> None:
        eth0 = namespace.links.find("eth0")
        if eth0 is None:
            raise OSError(errno.ENODEV, f"no eth0 in {self._handle.path}")
        namespace.links.up(eth0.index)
        interface = self._interface()
        address = Address(eth0.index, str(interface.ip), interface.network.prefixlen)
        namespace.links.add_address(address)
        if not self._network.internal:
            namespace.links.add_default_route(self._network.gateway)

    def _interface(self) -> IPv4Interface:
        return self._network.interface_of(self._endpoint.ip)

    def undo(self) -> None:
        """See Operation."""
        delete_link(self._host, self._endpoint.link)


class AwaitLink:
    """Wait until frames pass both ways: the kernel takes note of a new carrier in its own time.

    Mostly it has by now, else it takes some milliseconds.  Without this the first packet could be
    lost, and whoever sent it would try again after a whole second.
    """

    def __init__(
        self, host: hosts.Host, network: Network, endpoint: Endpoint, handle: SandboxHandle
    ) -> None:
        """Both ends, and the bridge, whose carrier comes with its first port."""
        self._host, self._bridge, self._link = host, network.bridge, endpoint.link
        self._handle = handle

    def describe(self) -> str:
        """See Operation."""
        return f"await that {self._link} forwards"

    def execute(self) -> None:
        """See Operation."""
        deadline = time.monotonic() + FORWARDING_S
        while not self._passes():
            if time.monotonic() > deadline:
                log.warning("%s does not forward yet", self._link)
                return
            time.sleep(0.0003)

    def _passes(self) -> bool:
        outer, bridge = self._host.links.find(self._link), self._host.links.find(self._bridge)
        inner = self._handle.namespace.links.find("eth0")
        if outer is None or bridge is None or inner is None:
            return False
        return outer.forwards and bridge.works and inner.works

    def undo(self) -> None:
        """See Operation."""


class Silence:
    """Let no frame of a leaving sandbox pass: its address may be somebody else's in a moment."""

    def __init__(self, host: hosts.Host, link: str) -> None:
        """Name the host's end."""
        self._host, self._link = host, link

    def describe(self) -> str:
        """See Operation."""
        return f"silence {self._link}"

    def execute(self) -> None:
        """See Operation."""
        link = self._host.links.find(self._link)
        if link is not None:
            with suppress(OSError):  # not running, or gone meanwhile: silent as well
                self._host.links.disable_port(link.index)

    def undo(self) -> None:
        """See Operation."""


class DeleteLink:
    """Delete a link that nothing else takes away."""

    def __init__(self, host: hosts.Host, link: str) -> None:
        """Name it."""
        self._host, self._link = host, link

    def describe(self) -> str:
        """See Operation."""
        return f"delete link {self._link}"

    def execute(self) -> None:
        """See Operation."""
        delete_link(self._host, self._link)

    def undo(self) -> None:
        """See Operation."""


class Publish:
    """Add an endpoint's ports to the rules."""

    def __init__(self, firewall: Firewall, endpoint: Endpoint) -> None:
        """The ports are in the endpoint."""
        self._firewall, self._endpoint = firewall, endpoint

    def describe(self) -> str:
        """See Operation."""
        ports = ", ".join(
            f"{port.describe()} to {self._endpoint.ip}:{port.container_port}"
            for port in self._endpoint.ports
        )
        return f"publish {ports or 'nothing'} for {self._endpoint.name}"

    def execute(self) -> None:
        """See Operation."""
        self._firewall.publish(self._endpoint)

    def undo(self) -> None:
        """See Operation."""
        self._firewall.unpublish(self._endpoint)


class Unpublish:
    """Take an endpoint's ports out of the rules."""

    def __init__(self, firewall: Firewall, endpoint: Endpoint) -> None:
        """The ports are in the endpoint."""
        self._firewall, self._endpoint = firewall, endpoint

    def describe(self) -> str:
        """See Operation."""
        return f"unpublish the ports of {self._endpoint.name}"

    def execute(self) -> None:
        """See Operation."""
        self._firewall.unpublish(self._endpoint)

    def undo(self) -> None:
        """See Operation."""


class ForgetFlows:
    """End the UDP flows that were decided on before the rules were as they are now."""

    def __init__(self, host: hosts.Host, endpoint: Endpoint) -> None:
        """Those to the endpoint, and those to its host ports."""
        self._host, self._ip = host, endpoint.ip
        self._ports = sorted({each.host_port for each in endpoint.ports if each.protocol == "udp"})

    def describe(self) -> str:
        """See Operation."""
        return f"forget flows to {self._ip} and to udp ports {self._ports}"

    def execute(self) -> None:
        """See Operation."""
        self._host.conntrack.forget_answered_by(self._ip)
        for port in self._ports:
            self._host.conntrack.forget_sent_to(port)

    def undo(self) -> None:
        """See Operation."""


def carry_out(plan: Iterable[Operation], before: Callable[[str], None] | None = None) -> None:
    """Do all of `plan`, or take back what was done; `before` hears of each step."""
    done: list[Operation] = []
    try:
        for operation in plan:
            sentence = operation.describe()
            log.debug("%s", sentence)
            if before:
                before(sentence)
            done.append(operation)
            operation.execute()
    except BaseException:
        for operation in reversed(done):
            try:
                operation.undo()
            except OSError as error:
                log.warning("undo: %s: %s", operation.describe(), error)
        raise


def carry_on(plan: Iterable[Operation], before: Callable[[str], None] | None = None) -> None:
    """Do each step of `plan` even if another fails: for clean-up, where less is worse."""
    for operation in plan:
        sentence = operation.describe()
        log.debug("%s", sentence)
        if before:
            before(sentence)
        try:
            operation.execute()
        except OSError as error:
            log.warning("%s: %s", sentence, error)


def delete_link(host: hosts.Host, name: str) -> None:
    """Delete a link; none there is fine."""
    link = host.links.find(name)
    if link is not None:
        host.links.delete(link.index)


def _index(host: hosts.Host, name: str) -> int:
    link = host.links.find(name)
    if link is None:
        raise OSError(errno.ENODEV, f"link {name} is gone")
    return int(link.index)
