"""The bridge of a network: made if there is none, its subnet chosen, its sysctls set."""

from __future__ import annotations

import logging
from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from boxship.kernel.links import Address
from boxship.model.errors import System
from boxship.network import ipam
from boxship.network.host import sysctl, taking_turns
from boxship.network.operations import delete_link

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.kernel.links import Link
    from boxship.network.host import Host
    from boxship.network.values import Network, NetworkConfig

log = logging.getLogger(__name__)


class Bridges:
    """The bridges of one instance."""

    def __init__(self, host: Host, config: NetworkConfig) -> None:
        """Nothing is changed yet."""
        self._host, self._config = host, config

    def settle(self, network: Network, *, in_use: bool, save: Callable[[Network], None]) -> Network:
        """Make the bridge as `network` says, and complete what it leaves open.

        `save` is called before each change, so that a kill in between leaves nothing unknown;
        with `in_use` the subnet stays as it is.
        """
        link = self._host.links.find(network.bridge)
        if link is None:
            network = replace(network, ours=True)
            save(network)
            log.info("create bridge %s", network.bridge)
            self._host.links.create_bridge(network.bridge, network.mtu)
            link = self._found(network.bridge)
        if network.ours and link.alias != self._alias:
            self._host.links.alias(link.index, self._alias)
        if network.ours and link.mtu != network.mtu:
            self._host.links.mtu(link.index, network.mtu)
        network = self._give_address(network, link, in_use=in_use, save=save)
        self._host.links.up(link.index)
        self._set_sysctls(network)
        return network

    def remove(self, network: Network) -> None:
        """Take the bridge away if it was made by us."""
        if network.ours:
            log.info("delete bridge %s", network.bridge)
            delete_link(self._host, network.bridge)

    @property
    def _alias(self) -> str:
        return f"bridge of {self._config.instance}"

    def _found(self, name: str) -> Link:
        link = self._host.links.find(name)
        if link is None:
            raise System(f"bridge {name} vanished while it was set up")
        return link

    def _set_sysctls(self, network: Network) -> None:
        local = f"net/ipv4/conf/{network.bridge}/route_localnet"
        sysctl(local, "1", "so that 127.0.0.1 reaches published ports")
        if self._config.ip_forward:
            sysctl("net/ipv4/ip_forward", "1", "so that containers reach other hosts")

    def _give_address(
        self, network: Network, link: Link, *, in_use: bool, save: Callable[[Network], None]
    ) -> Network:
        """Decide on the address, write it down, set it; instances that start at once take turns."""
        with taking_turns():
            there = self._addresses_of(link)
            interface = self._fixed(network, there, in_use=in_use) or self._choose(link)
            network = network.with_address(interface)
            save(network)
            self._set_address(link, interface, there)
        return network

    def _fixed(
        self, network: Network, there: list[IPv4Interface], *, in_use: bool
    ) -> IPv4Interface | None:
        """The address that must be, that was before or that the bridge has; None: any."""
        if in_use and network.subnet:
            return network.interface
        if self._config.bip and network.name == "bridge":
            return IPv4Interface(self._config.bip)
        if not network.ours and there:
            return there[0]
        if network.subnet and network.interface in there:
            return network.interface
        if network.subnet and not self._overlaps(network):
            return network.interface
        return None

    def _overlaps(self, network: Network) -> bool:
        link = self._found(network.bridge)
        subnet = IPv4Network(network.subnet)
        return any(subnet.overlaps(each) for each in self._taken(link) if each.prefixlen)

    def _choose(self, link: Link) -> IPv4Interface:
        subnet = ipam.choose_subnet(self._config.pools, self._taken(link))
        return ipam.first_interface(subnet)

    def _taken(self, link: Link) -> list[IPv4Network]:
        """What the host reaches otherwise than by this bridge."""
        own = {interface.network for interface in self._addresses_of(link)}
        routes = [IPv4Network(route) for route in self._host.links.routes()]
        others = [each for each in self._host.links.addresses() if each.index != link.index]
        networks = [IPv4Network((each.address, each.prefix), strict=False) for each in others]
        return [*(route for route in routes if route not in own), *networks]

    def _addresses_of(self, link: Link) -> list[IPv4Interface]:
        addresses = self._host.links.addresses()
        return [
            IPv4Interface((each.address, each.prefix))
            for each in addresses
            if each.index == link.index
        ]

    def _set_address(
        self, link: Link, interface: IPv4Interface, there: list[IPv4Interface]
    ) -> None:
        for other in there:
            if other != interface:
                log.info("bridge %s: %s gives way to %s", link.name, other, interface)
                stale = Address(link.index, str(other.ip), other.network.prefixlen)
                self._host.links.delete_address(stale)
        if interface not in there:
            address = Address(link.index, str(interface.ip), interface.network.prefixlen)
            self._host.links.add_address(address)
