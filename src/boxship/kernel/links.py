"""Links, addresses and routes of one network namespace, as ip-link(8) and its siblings say them.

link      a network device, by name or by index
port      a link that is a member of a bridge
peer      the other end of a veth pair
"""

import errno
import os
import socket
import struct

from boxship.kernel import netlink
from boxship.kernel.netlink import attribute, nested, parse, text, u32

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_SETLINK = 19
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
RTM_NEWROUTE = 24
RTM_GETROUTE = 26
RTM_NEWNEIGH = 28

IFF_UP = 1
IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFLA_PROTINFO = 12
IFLA_OPERSTATE = 16
IFLA_LINKINFO = 18
IFLA_IFALIAS = 20
IFLA_NET_NS_FD = 28
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
IFLA_INFO_SLAVE_DATA = 5
IFLA_BRPORT_STATE = 1
IFLA_BRPORT_MODE = 4
IFLA_BRPORT_FLUSH = 24
VETH_INFO_PEER = 1
IF_OPER_UP = 6
BR_STATE_DISABLED = 0
BR_STATE_FORWARDING = 3

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_BROADCAST = 4
NDA_DST = 1
NDA_LLADDR = 2
NUD_STALE = 4
RTA_DST = 1
RTA_GATEWAY = 5
RTA_TABLE = 15
RT_TABLE_MAIN = 254
RTPROT_BOOT = 3
RTN_UNICAST = 1

_CREATE = netlink.NLM_F_CREATE | netlink.NLM_F_EXCL
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_ROUTE = struct.Struct("=BBBBBBBBI")


class Link:
    """A link as the kernel describes it; `mac` and `alias` are '' if it has none.

    `works`: up, its carrier noticed, so what is sent is not dropped.  `forwards`: it works and is a
    port of a bridge that lets frames pass; a port may forward before, and stop when it is noticed.
    """

    __slots__ = (
        "alias",
        "forwards",
        "index",
        "kind",
        "mac",
        "master",
        "mtu",
        "name",
        "up",
        "works",
    )

    def __init__(self, message: bytes) -> None:
        """Read one RTM_NEWLINK message."""
        _family, _type, self.index, flags, _change = _LINK.unpack_from(message)
        found = parse(message[_LINK.size :])
        info = parse(found.get(IFLA_LINKINFO, b""))
        self.name = _string(found.get(IFLA_IFNAME, b""))
        self.alias = _string(found.get(IFLA_IFALIAS, b""))
        self.kind = _string(info.get(IFLA_INFO_KIND, b""))
        self.mac = ":".join(f"{byte:02x}" for byte in found.get(IFLA_ADDRESS, b""))
        self.mtu = _number(found.get(IFLA_MTU))
        self.master = _number(found.get(IFLA_MASTER))
        self.up = bool(flags & IFF_UP)
        port = parse(info.get(IFLA_INFO_SLAVE_DATA, b"")) if self.master else {}
        self.works = found.get(IFLA_OPERSTATE) == bytes([IF_OPER_UP])
        self.forwards = self.works and port.get(IFLA_BRPORT_STATE) == bytes([BR_STATE_FORWARDING])


class Veth:
    """A veth pair to be made: this end a port of bridge `master`, the peer in another namespace."""

    __slots__ = ("mac", "master", "mtu", "name", "namespace_fd", "peer")

    def __init__(self, name: str, *, peer: str, namespace_fd: int, mac: str, mtu: int) -> None:
        """Name both ends; `master` is set by who knows the bridge's index."""
        self.name = name
        self.peer = peer
        self.namespace_fd = namespace_fd
        self.mac = mac
        self.mtu = mtu
        self.master = 0


class Address:
    """An IPv4 address of the link with this index."""

    __slots__ = ("address", "index", "prefix")

    def __init__(self, index: int, address: str, prefix: int) -> None:
        """Hold the three."""
        self.index = index
        self.address = address
        self.prefix = prefix


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _number(value: "bytes | None") -> int:
    return int(struct.unpack("=I", value)[0]) if value else 0


def _mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


class Links:
    """The links of the namespace in which this was made."""

    def __init__(self) -> None:
        """Open a netlink socket in the calling thread's namespace."""
        self._netlink = netlink.Netlink()

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()

    def find(self, name: str) -> "Link | None":
        """The link of that name."""
        body = _LINK.pack(0, 0, 0, 0, 0) + text(IFLA_IFNAME, name)
        message = self._netlink.get(RTM_GETLINK, body, f"find link {name}")
        return Link(message) if message else None

    def all(self) -> list[Link]:
        """Every link."""
        messages = self._netlink.dump(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0), "list links")
        return [Link(message) for message in messages]

    def create_bridge(self, name: str, mtu: int) -> None:
        """A bridge, down, with a MAC of its own (else it changes with every port)."""
        mac = bytes([0x02, 0x42]) + os.urandom(4)
        body = _LINK.pack(0, 0, 0, 0, 0) + text(IFLA_IFNAME, name) + attribute(IFLA_ADDRESS, mac)
        body += u32(IFLA_MTU, mtu) + nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge"))
        self._netlink.request(RTM_NEWLINK, _CREATE, body, f"create bridge {name}")

    def create_veth(self, veth: Veth) -> None:
        """Both ends in one message, ours up: each later step here would wait for the kernel."""
        peer = _LINK.pack(0, 0, 0, 0, 0) + text(IFLA_IFNAME, veth.peer)
        peer += attribute(IFLA_ADDRESS, _mac(veth.mac)) + u32(IFLA_MTU, veth.mtu)
        peer += u32(IFLA_NET_NS_FD, veth.namespace_fd)
        pair = nested(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, peer))
        body = _LINK.pack(0, 0, 0, IFF_UP, IFF_UP) + text(IFLA_IFNAME, veth.name)
        body += u32(IFLA_MTU, veth.mtu) + (u32(IFLA_MASTER, veth.master) if veth.master else b"")
        body += nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "veth"), pair)
        self._netlink.request(RTM_NEWLINK, _CREATE, body, f"create veth {veth.name}")

    def delete(self, index: int) -> None:
        """Delete a link, and with it its peer; none there is fine."""
        try:
            self._change(RTM_DELLINK, index, b"", "delete link")
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise

    def up(self, index: int) -> None:
        """Set a link up."""
        body = _LINK.pack(0, 0, index, IFF_UP, IFF_UP)
        self._netlink.request(RTM_NEWLINK, 0, body, f"set link {index} up")

    def enslave(self, index: int, master: int) -> None:
        """Make a link a port of the bridge `master`."""
        self._change(RTM_NEWLINK, index, u32(IFLA_MASTER, master), "set master")

    def alias(self, index: int, alias: str) -> None:
        """Write a sentence of ours on a link."""
        self._change(RTM_NEWLINK, index, attribute(IFLA_IFALIAS, alias.encode()), "set alias")

    def mtu(self, index: int, mtu: int) -> None:
        """Set the largest size of a packet."""
        self._change(RTM_NEWLINK, index, u32(IFLA_MTU, mtu), "set mtu")

    def hairpin(self, index: int) -> None:
        """Let a bridge send a frame back to the port that it came from."""
        self._port(index, attribute(IFLA_BRPORT_MODE, b"\1"), "set hairpin")

    def disable_port(self, index: int) -> None:
        """Silence a port at once, without the waits that setting it down has.

        The MACs that were learned from it are forgotten, else frames for them would go on to it.
        """
        state = attribute(IFLA_BRPORT_STATE, bytes([BR_STATE_DISABLED]))
        self._port(index, state + attribute(IFLA_BRPORT_FLUSH, b""), "disable port")

    def _port(self, index: int, option: bytes, what: str) -> None:
        body = _LINK.pack(socket.AF_BRIDGE, 0, index, 0, 0) + nested(IFLA_PROTINFO, option)
        self._netlink.request(RTM_SETLINK, 0, body, f"{what} of link {index}")

    def _change(self, kind: int, index: int, attributes: bytes, what: str) -> None:
        body = _LINK.pack(0, 0, index, 0, 0) + attributes
        self._netlink.request(kind, 0, body, f"{what} of link {index}")

    def add_address(self, address: Address) -> None:
        """Give a link an IPv4 address and the route to its subnet."""
        self._address(RTM_NEWADDR, netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE, address, "add")

    def delete_address(self, address: Address) -> None:
        """Take it away."""
        self._address(RTM_DELADDR, 0, address, "delete")

    def _address(self, kind: int, flags: int, address: Address, verb: str) -> None:
        packed = socket.inet_aton(address.address)
        host_bits = (1 << (32 - address.prefix)) - 1
        broadcast = (int.from_bytes(packed, "big") | host_bits).to_bytes(4, "big")
        body = _ADDRESS.pack(socket.AF_INET, address.prefix, 0, 0, address.index)
        body += attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
        body += attribute(IFA_BROADCAST, broadcast) if address.prefix < 31 else b""
        what = f"{verb} address {address.address}/{address.prefix} of link {address.index}"
        self._netlink.request(kind, flags, body, what)

    def addresses(self) -> list[Address]:
        """Every IPv4 address."""
        body = _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)
        found = []
        for message in self._netlink.dump(RTM_GETADDR, body, "list addresses"):
            _family, prefix, _flags, _scope, index = _ADDRESS.unpack_from(message)
            local = parse(message[_ADDRESS.size :]).get(IFA_LOCAL)
            if local:
                found.append(Address(index, socket.inet_ntoa(local), prefix))
        return found

    def set_neighbour(self, index: int, address: str, mac: str) -> None:
        """Say who has an address behind a link, until ARP confirms it or knows better."""
        body = _NEIGHBOUR.pack(socket.AF_INET, index, NUD_STALE, 0, 0)
        body += attribute(NDA_DST, socket.inet_aton(address)) + attribute(NDA_LLADDR, _mac(mac))
        flags = netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE
        self._netlink.request(RTM_NEWNEIGH, flags, body, f"set neighbour {address}")

    def add_default_route(self, gateway: str) -> None:
        """Send all that is not local through `gateway`."""
        body = _ROUTE.pack(
            socket.AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, 0, RTN_UNICAST, 0
        ) + attribute(RTA_GATEWAY, socket.inet_aton(gateway))
        flags = netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE
        self._netlink.request(RTM_NEWROUTE, flags, body, f"add default route via {gateway}")

    def routes(self) -> "list[tuple[str, int]]":
        """The IPv4 destinations of the main table, without the default route."""
        body = _ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
        found = []
        for message in self._netlink.dump(RTM_GETROUTE, body, "list routes"):
            _family, prefix, _source, _tos, table, *_rest = _ROUTE.unpack_from(message)
            destination = parse(message[_ROUTE.size :]).get(RTA_DST)
            if destination and table == RT_TABLE_MAIN:
                found.append((socket.inet_ntoa(destination), prefix))
        return found
