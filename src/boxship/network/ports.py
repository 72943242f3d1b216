"""Host ports: which are free, who has them, and the sockets that keep them ours.

A port is reserved by a real socket, so that no other program takes it and a conflict is known
before anything else is changed.  Packets of IPv4 never reach that socket: the firewall's rules
answer first.  What arrives there nevertheless ([::], or IPv4 while the rules are gone) is relayed.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from boxship.model.errors import Invalid, System
from boxship.network.values import ANY_IPV4, ANY_IPV6, PortBinding, Published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.network.values import Endpoint

BACKLOG = 4096
FALLBACK_RANGE = (49153, 65535)  # Docker's, where the kernel does not say its own
KINDS = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}


_HINTS = {
    errno.EADDRNOTAVAIL: "it must be an address of this host; `ip addr` shows them",
    errno.EMFILE: "each published port takes two files: raise the daemon's limit (LimitNOFILE)",
    errno.EACCES: "ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE",
}


class PortTaken(System):
    """A host port belongs to somebody else (Docker answers 500)."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A published port and the socket that holds it."""

    published: Published
    socket: socket.socket


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a port belongs to."""

    container_id: str
    name: str


def dynamic_range() -> tuple[int, int]:
    """The host's range for ports that nobody asked for, as dockerd reads it."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first, last = map(int, file.read().split())
    except (OSError, ValueError):
        return FALLBACK_RANGE
    return first, last


class Ports:
    """The host ports of one instance."""

    def __init__(self, dynamic: tuple[int, int], host_ip: str = "") -> None:
        """`dynamic` is the range for host port 0; `host_ip` for bindings that name no address."""
        self._dynamic = dynamic
        self._default_ips = _addresses(host_ip)
        self._next = dict.fromkeys(KINDS, dynamic[0])
        self._held: dict[tuple[str, int], list[tuple[str, Holder]]] = {}
        self._keys: dict[str, set[tuple[str, int]]] = {}
        self._reservations: dict[str, list[Reservation]] = {}

    def reserve(self, endpoint: Endpoint, bindings: Iterable[PortBinding]) -> list[Reservation]:
        """A host port for each binding, all or none; PortTaken in Docker's words."""
        holder = Holder(endpoint.container_id, endpoint.name)
        made = self._reservations.setdefault(holder.container_id, [])
        try:
            for binding in bindings:
                made += self._reserve_one(binding, holder, endpoint)
        except BaseException as error:
            self.release(holder.container_id)
            if isinstance(error, (System, Invalid)):
                error.message = _programming(endpoint) + error.message
            raise
        return made

    def hold_again(self, endpoint: Endpoint) -> list[OSError]:
        """After a restart: hold what an endpoint has published; what cannot be held is returned."""
        holder = Holder(endpoint.container_id, endpoint.name)
        failed = []
        for port in endpoint.ports:
            self._hold(port, holder)
            try:
                reservation = Reservation(port, bind(port))
            except OSError as error:
                failed.append(error)
            else:
                self._reservations.setdefault(holder.container_id, []).append(reservation)
        return failed

    def of(self, container_id: str) -> list[Reservation]:
        """The reservations of a container."""
        return list(self._reservations.get(container_id, ()))

    def release(self, container_id: str) -> None:
        """Free all that a container holds; nothing is fine."""
        for reservation in self._reservations.pop(container_id, ()):
            reservation.socket.close()
        for key in self._keys.pop(container_id, ()):
            left = [
                each for each in self._held.pop(key, ()) if each[1].container_id != container_id
            ]
            if left:
                self._held[key] = left

    def _hold(self, port: Published, holder: Holder) -> None:
        self._held.setdefault(_key(port), []).append((port.host_ip, holder))
        self._keys.setdefault(holder.container_id, set()).add(_key(port))

    def close(self) -> None:
        """Close every socket; the ports stay published by the rules."""
        for container_id in list(self._reservations):
            self.release(container_id)

    def _reserve_one(
        self, binding: PortBinding, holder: Holder, endpoint: Endpoint
    ) -> list[Reservation]:
        candidates = self._candidates(binding)
        refused: System | None = None
        for port in candidates:
            try:
                return self._reserve_at(binding, port, holder, endpoint)
            except PortTaken as error:
                refused = refused or error
        raise refused or PortTaken("all ports are allocated")

    def _candidates(self, binding: PortBinding) -> Iterable[int]:
        if binding.protocol not in KINDS:
            raise Invalid(f"invalid port protocol: {binding.protocol}", hint="tcp, udp or sctp")
        if binding.host_port:
            return range(binding.host_port, (binding.host_port_end or binding.host_port) + 1)
        first, last = self._dynamic
        start = self._next[binding.protocol]
        return chain(range(start, last + 1), range(first, start))

    def _reserve_at(
        self, binding: PortBinding, port: int, holder: Holder, endpoint: Endpoint
    ) -> list[Reservation]:
        """`binding` on this port of each of its addresses, or on none."""
        made: list[Reservation] = []
        addresses = _addresses(binding.host_ip) if binding.host_ip else self._default_ips
        try:
            for address in addresses:
                published = Published(binding.container_port, binding.protocol, address, port)
                self._refuse_if_held(published)
                made.append(Reservation(published, _bound(published, endpoint)))
        except BaseException:
            for reservation in made:
                reservation.socket.close()
            raise
        for reservation in made:
            self._hold(reservation.published, holder)
        if not binding.host_port:
            first, last = self._dynamic
            self._next[binding.protocol] = first if port == last else port + 1
        return made

    def _refuse_if_held(self, published: Published) -> None:
        for address, holder in self._held.get(_key(published), ()):
            if _overlap(address, published.host_ip):
                raise PortTaken(
                    f"Bind for {address}:{published.host_port} failed: port is already allocated",
                    hint=f"container {holder.name} ({holder.container_id[:12]}) has it; "
                    "publish another port, or stop that container",
                )


def bind(published: Published) -> socket.socket:
    """The socket that holds a port; a TCP one listens, else another program could bind as well."""
    kind, number = KINDS[published.protocol]
    family = socket.AF_INET6 if ":" in published.host_ip else socket.AF_INET
    holder = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, number)
    try:
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            # Connections of before a restart may linger; they do not stand for a live listener.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((published.host_ip, published.host_port))
        if kind == socket.SOCK_STREAM:
            holder.listen(BACKLOG)
    except OSError as error:
        holder.close()
        error.filename = published.describe()
        raise
    return holder


def _bound(published: Published, endpoint: Endpoint) -> socket.socket:
    """`bind`, with errors as Docker words them."""
    where = f"{published.host_ip}:{published.host_port}"
    try:
        return bind(published)
    except OSError as error:
        if error.errno == errno.EPROTONOSUPPORT:
            raise System(
                f"failed to listen on {where}: protocol not supported",
                hint=f"the kernel of this host has no {published.protocol.upper()}",
            ) from error
        # The words of the Go runtime, which clients know, are the C library's in lower case.
        reason = os.strerror(error.errno or 0).lower()
        target = f"{endpoint.ip}:{published.container_port}/{published.protocol}"
        message = f"failed to bind host port for {where}:{target}: {reason}"
        if error.errno == errno.EADDRINUSE:
            hint = f"another program of this host has it; `ss -lnp sport = :{published.host_port}`"
            raise PortTaken(message, hint=hint) from error
        raise System(message, hint=_HINTS.get(error.errno or 0, "")) from error


def _programming(endpoint: Endpoint) -> str:
    what = "driver failed programming external connectivity on endpoint"
    return f"{what} {endpoint.name} ({endpoint.id}): "


def _key(port: Published) -> tuple[str, int]:
    return port.protocol, port.host_port


def _addresses(host_ip: str) -> list[str]:
    """The addresses that a binding means: '' is every one, of each family that the host has."""
    if host_ip:
        return [host_ip.strip("[]")]
    return [ANY_IPV4, ANY_IPV6] if _has_ipv6() else [ANY_IPV4]


def _has_ipv6() -> bool:
    return os.path.exists("/proc/net/if_inet6")


def _overlap(one: str, other: str) -> bool:
    if (":" in one) != (":" in other):
        return False
    return one == other or bool({one, other} & {ANY_IPV4, ANY_IPV6})


def with_ports(endpoint: Endpoint, reservations: Iterable[Reservation]) -> Endpoint:
    """The endpoint with what it got."""
    return replace(endpoint, ports=tuple(each.published for each in reservations))
