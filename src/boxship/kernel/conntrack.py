"""The kernel's table of connections: find flows of UDP and make the kernel forget them.

UDP has no end: a flow that was seen once goes where it went then, whatever the rules say now.
"""

import errno
import socket
import struct

from boxship.kernel.netlink import NETLINK_NETFILTER, Netlink, attribute, nested, parse, u32

_GET = 0x101  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
_DELETE = 0x102
_HEADER = struct.pack("=BBH", socket.AF_INET, 0, 0)

CTA_TUPLE_ORIG = 1
CTA_TUPLE_REPLY = 2
CTA_FILTER = 25
CTA_FILTER_ORIG_FLAGS = 1
CTA_FILTER_REPLY_FLAGS = 2
CTA_TUPLE_IP = 1
CTA_TUPLE_PROTO = 2
CTA_IP_V4_SRC = 1
CTA_PROTO_NUM = 1
CTA_PROTO_DST_PORT = 3
_BY_SOURCE = 1 << 0
_BY_PROTOCOL = 1 << 3
_BY_DESTINATION_PORT = 1 << 5


class Flow:
    """One UDP flow: where its first packet went to, and who answers it."""

    __slots__ = ("answerer", "original", "port")

    def __init__(self, original: bytes, reply: bytes) -> None:
        """`original` and `reply` are the tuples of the two directions."""
        self.original = original
        protocol = parse(parse(original).get(CTA_TUPLE_PROTO, b""))
        source = parse(parse(reply).get(CTA_TUPLE_IP, b"")).get(CTA_IP_V4_SRC, bytes(4))
        self.port = int.from_bytes(protocol.get(CTA_PROTO_DST_PORT, b""), "big")
        self.answerer = socket.inet_ntoa(source)


class Conntrack:
    """The table of the namespace in which this was made."""

    def __init__(self) -> None:
        """Open a netlink socket."""
        self._netlink = Netlink(NETLINK_NETFILTER)

    def close(self) -> None:
        """Close it."""
        self._netlink.close()

    def forget_answered_by(self, address: str) -> None:
        """Forget the UDP flows to an address behind our rules."""
        ip = nested(CTA_TUPLE_IP, attribute(CTA_IP_V4_SRC, socket.inet_aton(address)))
        protocol = nested(CTA_TUPLE_PROTO, _udp())
        wanted = nested(CTA_TUPLE_REPLY, ip, protocol)
        only = nested(CTA_FILTER, u32(CTA_FILTER_REPLY_FLAGS, _BY_SOURCE | _BY_PROTOCOL))
        self._forget([flow for flow in self._find(wanted + only) if flow.answerer == address])

    def forget_sent_to(self, port: int) -> None:
        """Forget the UDP flows to a port, whoever answers them."""
        number = attribute(CTA_PROTO_DST_PORT, port.to_bytes(2, "big"))
        wanted = nested(CTA_TUPLE_ORIG, nested(CTA_TUPLE_PROTO, _udp(), number))
        flags = _BY_PROTOCOL | _BY_DESTINATION_PORT
        only = nested(CTA_FILTER, u32(CTA_FILTER_ORIG_FLAGS, flags))
        self._forget([flow for flow in self._find(wanted + only) if flow.port == port])

    def _find(self, wanted: bytes) -> list[Flow]:
        """The UDP flows; a kernel that does not know filters gives all, hence the callers look."""
        found = []
        for message in self._netlink.dump(_GET, _HEADER + wanted, "list connections"):
            attributes = parse(message[len(_HEADER) :])
            original = attributes.get(CTA_TUPLE_ORIG, b"")
            protocol = parse(parse(original).get(CTA_TUPLE_PROTO, b""))
            if protocol.get(CTA_PROTO_NUM) == bytes([socket.IPPROTO_UDP]):
                found.append(Flow(original, attributes.get(CTA_TUPLE_REPLY, b"")))
        return found

    def _forget(self, flows: list[Flow]) -> None:
        for flow in flows:
            body = _HEADER + nested(CTA_TUPLE_ORIG, flow.original)
            try:
                self._netlink.request(_DELETE, 0, body, "forget connection")
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise


def _udp() -> bytes:
    return attribute(CTA_PROTO_NUM, bytes([socket.IPPROTO_UDP]))
