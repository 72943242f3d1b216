"""Addresses: which subnet a network gets, which address an endpoint.  Pure: nothing is touched."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from boxship.model.errors import Conflict, Invalid, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Pool:
    """The addresses of one subnet; like Docker's, it gives the lowest that is free."""

    def __init__(self, subnet: IPv4Network, taken: Iterable[IPv4Address] = ()) -> None:
        """The network and broadcast addresses are never given."""
        self._subnet = subnet
        self._taken = {int(address) for address in taken}
        spare = 1 if subnet.prefixlen < 31 else 0
        self._first = int(subnet.network_address) + spare
        self._last = int(subnet.broadcast_address) - spare
        self._lowest = self._first  # nothing below it is free

    def take(self) -> IPv4Address:
        """The lowest free address, now taken."""
        candidate = self._lowest
        while candidate in self._taken:
            candidate += 1
        if candidate > self._last:
            raise Unavailable(
                f"no available IPv4 addresses on this network's address pools: {self._subnet}",
                hint="remove containers that are attached to it, or make a larger network",
            )
        self._taken.add(candidate)
        self._lowest = candidate + 1
        return IPv4Address(candidate)

    def take_this(self, address: IPv4Address) -> IPv4Address:
        """`address`, now taken; or Conflict."""
        if not self._first <= int(address) <= self._last:
            raise Invalid(f"invalid address {address}: it does not belong to {self._subnet}")
        if int(address) in self._taken:
            raise Conflict("Address already in use", hint=f"{address} is taken on {self._subnet}")
        self._taken.add(int(address))
        return address

    def release(self, address: IPv4Address) -> None:
        """Free it again; twice is fine."""
        self._taken.discard(int(address))
        self._lowest = min(self._lowest, max(self._first, int(address)))


def first_interface(subnet: IPv4Network) -> IPv4Interface:
    """The address of a subnet's gateway where nobody chose one: the first."""
    return IPv4Interface(f"{subnet.network_address + 1}/{subnet.prefixlen}")


def choose_subnet(pools: Iterable[tuple[str, int]], taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first subnet of `pools` that overlaps nothing the host reaches already."""
    used = [network for network in taken if network.prefixlen]
    for candidate in _subnets(pools):
        if not any(candidate.overlaps(network) for network in used):
            return candidate
    raise Unavailable(
        "all predefined address pools have been fully subnetted",
        hint="name others with --default-address-pool, or a subnet of this network",
    )


def _subnets(pools: Iterable[tuple[str, int]]) -> Iterator[IPv4Network]:
    for base, size in pools:
        yield from IPv4Network(base).subnets(new_prefix=size)


def mac_of(address: IPv4Address) -> str:
    """The MAC of an address: 02:42 and its four bytes, Docker's rule up to release 27.

    Later ones draw it by lot and announce it by ARP.  Here an address that is given again
    keeps its MAC, so no neighbour holds a stale one and nothing needs to be announced.
    """
    return "02:42:" + ":".join(f"{byte:02x}" for byte in address.packed)
