"""Networks, blocking: everything that changes something, for one thread at a time.

start      networks and their bridges, rules, ports; what a crash left is cleaned or repaired
attach     ports are reserved, an address is taken, then the plan is carried out, all or nothing
detach     the plan back, whatever is missing; address and ports are free at once
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from boxship.model.errors import NotFound, System, Unsupported
from boxship.network import ports as host_ports
from boxship.network import reconcile
from boxship.network.bridges import Bridges
from boxship.network.catalogue import Catalogue
from boxship.network.firewall import Firewall
from boxship.network.host import Host
from boxship.network.ipam import Pool, mac_of
from boxship.network.operations import SandboxHandle, carry_on, carry_out, delete_link
from boxship.network.plan import Planner
from boxship.network.store import Store
from boxship.network.values import (
    DEFAULT_MTU,
    NO_BRIDGE,
    Attachment,
    Endpoint,
    Network,
    Sandbox,
    port_map,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from boxship.network.ports import Reservation
    from boxship.network.values import AttachRequest, NetworkConfig

log = logging.getLogger(__name__)


class Core:
    """The networks of one instance."""

    def __init__(
        self,
        data_root: Path,
        exec_root: Path,
        config: NetworkConfig,
        *,
        before: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is touched before `start`; `before` hears of each operation (for tests)."""
        self._data_root, self._config, self._before = data_root, config, before
        self._netns = str(exec_root / "netns")
        self.catalogue = Catalogue()
        self._started = False
        self._left: list[str] = []
        self._pools: dict[str, Pool] = {}
        self._ports = host_ports.Ports(host_ports.dynamic_range(), config.ip)

    def start(self, live: Collection[str]) -> None:
        """Make everything as the rows say; `live` names the containers or sandboxes that run."""
        try:
            self._start(live)
        except OSError as error:
            message = f"Error initializing network controller: {error}"
            raise System(message, hint="it needs root, and libnftables1 on this host") from error

    def _start(self, live: Collection[str]) -> None:
        self._data_root.mkdir(parents=True, exist_ok=True)
        os.makedirs(self._netns, mode=0o755, exist_ok=True)
        self._host = Host()
        self._started = True
        self._store = Store(self._data_root / "network.db")
        self._firewall = Firewall(self._host, self._config.instance)
        self._planner = Planner(self._host, self._store, self._firewall, self._netns)
        self._bridges = Bridges(self._host, self._config)
        self.catalogue.load(self._store)
        self._clear_the_gone(live)
        self._settle_networks()
        keep = {sandbox.id[:12] for sandbox in self.catalogue.sandboxes()}
        reconcile.remove_stray_namespaces(self._netns, keep | {name[:12] for name in live})
        networks, endpoints = self.catalogue.networks(), self.catalogue.endpoints()
        reconcile.remove_stray_ports(self._host, networks, endpoints)
        self._firewall.rebuild(networks, endpoints)
        for endpoint in endpoints:
            self._take_up(endpoint)

    def stop(self, *, remove: bool = False) -> None:
        """Let go of sockets and handles; with `remove`, if nobody is attached, take all away."""
        if not self._started:
            return
        self.sweep()
        self._ports.close()
        if remove and not self.catalogue.endpoints():
            self._firewall.delete()
            for network in self.catalogue.networks():
                if network.bridge:
                    self._bridges.remove(network)
        self._store.close()
        self._host.close()

    def attach(self, request: AttachRequest) -> Attachment:
        """Attach a container; what an earlier attachment left is cleaned up first."""
        network = self.catalogue.network(request.network)
        self.detach(request.container_id)
        endpoint = Endpoint(secrets.token_hex(32), network.id, request.container_id, request.name)
        sandbox = None
        if network.driver != "host":
            sandbox = Sandbox(secrets.token_hex(32), request.container_id)
        try:
            if network.driver == "bridge":
                endpoint = self._with_address(endpoint, network, request)
                reservations = self._ports.reserve(endpoint, request.ports)
                endpoint = host_ports.with_ports(endpoint, reservations)
            self._carry_out(network, endpoint, sandbox)
        except BaseException:
            self._release(endpoint)
            raise
        self.catalogue.add(sandbox, endpoint)
        return self._attachment(network, endpoint, sandbox)

    def detach(self, container_id: str) -> None:
        """Take away all that a container has; nothing is fine."""
        endpoints = self.catalogue.endpoints_of(container_id)
        sandbox = self.catalogue.sandbox_of(container_id)
        if not endpoints and sandbox is None:
            return
        carry_on(self._planner.detach(container_id, endpoints, sandbox), self._before)
        self.catalogue.remove(container_id)
        for endpoint in endpoints:
            self._release(endpoint)
        self._left += [endpoint.link for endpoint in endpoints if endpoint.link]

    def sweep(self) -> None:
        """Delete links that outlived their containers, because somebody holds the namespace."""
        left, self._left = self._left, []
        for link in left:
            with contextlib.suppress(OSError):
                delete_link(self._host, link)

    def rename(self, container_id: str, name: str) -> None:
        """A container has a new name, under which networks show it."""
        self._store.rename(container_id, name)
        self.catalogue.rename(container_id, name)

    def reservations(self, container_id: str) -> list[Reservation]:
        """The ports that a container has published, and the sockets that hold them."""
        return self._ports.of(container_id)

    def attachment(self, container_id: str) -> Attachment:
        """What a container has got, for one that was attached before a restart."""
        for endpoint in self.catalogue.endpoints_of(container_id):
            network = self.catalogue.network(endpoint.network_id)
            return self._attachment(network, endpoint, self.catalogue.sandbox_of(container_id))
        raise NotFound(f"container {container_id[:12]} is attached to no network")

    def _carry_out(self, network: Network, endpoint: Endpoint, sandbox: Sandbox | None) -> None:
        handle = SandboxHandle(self._planner.path(sandbox)) if sandbox else None
        try:
            plan = self._planner.attach(network, endpoint, sandbox, handle)
            carry_out(plan, self._before)
        except OSError as error:
            hint = f"attaching {endpoint.name} to network {network.name}"
            raise System(str(error), hint=hint) from error
        finally:
            if handle is not None:
                handle.close()

    def _with_address(
        self, endpoint: Endpoint, network: Network, request: AttachRequest
    ) -> Endpoint:
        address = self._pools[network.id].take()
        return replace(
            endpoint,
            link=f"veth{secrets.token_hex(4)[:7]}",
            ip=str(address),
            mac=request.mac or mac_of(address),
        )

    def _release(self, endpoint: Endpoint) -> None:
        self._ports.release(endpoint.container_id)
        if endpoint.ip and endpoint.network_id in self._pools:
            self._pools[endpoint.network_id].release(IPv4Address(endpoint.ip))

    def _attachment(
        self, network: Network, endpoint: Endpoint, sandbox: Sandbox | None
    ) -> Attachment:
        attachment = Attachment(
            sandbox_id=sandbox.id if sandbox else "",
            sandbox_path=self._planner.path(sandbox) if sandbox else "",
            network_id=network.id,
            network_name=network.name,
            endpoint_id=endpoint.id,
        )
        if not endpoint.ip:
            return attachment
        return replace(
            attachment,
            mac=endpoint.mac,
            ip=endpoint.ip,
            prefix_len=IPv4Network(network.subnet).prefixlen,
            gateway="" if network.internal else network.gateway,
            ports=port_map(endpoint.ports),
        )

    def _clear_the_gone(self, live: Collection[str]) -> None:
        owners = {each.container_id for each in self.catalogue.sandboxes()}
        owners |= {each.container_id for each in self.catalogue.endpoints()}
        for container_id in owners:
            sandbox = self.catalogue.sandbox_of(container_id)
            if not reconcile.is_live(container_id, sandbox, live):
                log.info("clean up the network of %s, which is gone", container_id[:12])
                endpoints = self.catalogue.endpoints_of(container_id)
                carry_on(self._planner.clear(container_id, endpoints, sandbox), self._before)
                self.catalogue.remove(container_id)

    def _settle_networks(self) -> None:
        """The rows that every instance has, and every bridge."""
        for name, driver in (("none", "null"), ("host", "host"), ("bridge", "bridge")):
            if self.catalogue.named(name) is None:
                self._save(_new_network(name, driver))
        for network in self.catalogue.networks():
            if network.driver == "bridge":
                self._settle(network)

    def _settle(self, network: Network) -> None:
        endpoints = self.catalogue.endpoints_on(network.id)
        if network.name == "bridge":
            if self._config.bridge == NO_BRIDGE:
                self.catalogue.drop(network.id)
                return
            network = _configured(network, self._config)
        network = self._bridges.settle(network, in_use=bool(endpoints), save=self._save)
        taken = [IPv4Address(endpoint.ip) for endpoint in endpoints if endpoint.ip]
        pool = Pool(IPv4Network(network.subnet), [*taken, IPv4Address(network.gateway)])
        self._pools[network.id] = pool

    def _take_up(self, endpoint: Endpoint) -> None:
        """A living container: mend its link, hold its ports."""
        network = self.catalogue.find(endpoint.network_id)
        sandbox = self.catalogue.sandbox_of(endpoint.container_id)
        if network is not None and sandbox is not None and endpoint.link:
            try:
                reconcile.repair(self._host, self._planner, network, endpoint, sandbox)
            except OSError as failed:  # one container's trouble must not stop the daemon
                log.warning("%s: its link is not as it shall be: %s", endpoint.name, failed)
        for error in self._ports.hold_again(endpoint):
            log.warning("%s: %s; its rules still answer for it", endpoint.name, error)

    def _save(self, network: Network) -> None:
        self._store.save_network(network)
        self.catalogue.put(network)


def _new_network(name: str, driver: str) -> Network:
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    return Network(secrets.token_hex(32), name, driver, created)


def _configured(network: Network, config: NetworkConfig) -> Network:
    """The default bridge network as the flags want it, with the facts that Docker shows of it."""
    if network.bridge not in {"", config.bridge}:
        raise Unsupported(
            f"the default bridge was {network.bridge}, and cannot become {config.bridge}",
            hint="remove all containers and the file network.db first",
        )
    mtu = config.mtu or DEFAULT_MTU
    options = {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": str(config.icc).lower(),
        "com.docker.network.bridge.enable_ip_masquerade": str(config.ip_masq).lower(),
        "com.docker.network.bridge.host_binding_ipv4": config.ip or "0.0.0.0",
        "com.docker.network.bridge.name": config.bridge,
        "com.docker.network.driver.mtu": str(mtu),
    }
    return replace(
        network,
        bridge=config.bridge,
        mtu=mtu,
        icc=config.icc,
        masquerade=config.ip_masq,
        options=options,
    )
