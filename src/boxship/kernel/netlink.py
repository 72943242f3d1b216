"""rtnetlink(7): links, addresses, routes, by hand, because a library takes 160 ms to import.

A message is a header, a fixed body and attributes; a request is answered by one acknowledgement,
a dump by many messages and an end.  A socket belongs to the namespace in which it was opened,
wherever its thread goes later.
"""

import errno
import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 1
NLM_F_ACK = 4
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_DUMP = 0x300
NLM_F_ACK_TLVS = 0x200
NLM_F_DUMP_INTR = 0x10
NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF
NLMSGERR_ATTR_MSG = 1

_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_RECEIVE = 1 << 18

Attributes = dict[int, bytes]


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """An attribute that is a C string."""
    return attribute(kind, value.encode() + b"\0")


def u32(kind: int, value: int) -> bytes:
    """An attribute that is a number of the host's byte order."""
    return attribute(kind, struct.pack("=I", value))


def parse(data: bytes) -> Attributes:
    """The attributes in `data` by kind; of one that repeats, the last."""
    found: Attributes = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size:
            break
        found[kind & NLA_TYPE_MASK] = data[at + _ATTRIBUTE.size : at + size]
        at += size + (-size % 4)
    return found


class Netlink:
    """One netlink socket of the namespace that the calling thread is in."""

    def __init__(self, protocol: int = NETLINK_ROUTE) -> None:
        """Open it."""
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, protocol)
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._sequence = 0

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def __enter__(self) -> "Netlink":
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        trace: "TracebackType | None",
    ) -> None:
        self.close()

    def request(self, kind: int, flags: int, body: bytes, what: str) -> None:
        """Ask for one change and wait until the kernel has made it; `what` is for the error."""
        self._send(kind, flags | NLM_F_ACK, body)
        for reply, _flags, payload in self._replies():
            if reply == NLMSG_ERROR:
                _raise_error(payload, _flags, what)
                return

    def get(self, kind: int, body: bytes, what: str) -> "bytes | None":
        """The one message that answers `body`, or None if there is no such thing."""
        self._send(kind, NLM_F_ACK, body)
        answer = None
        for reply, flags, payload in self._replies():
            if reply != NLMSG_ERROR:
                answer = payload
                continue
            if -struct.unpack_from("=i", payload)[0] in {errno.ENODEV, errno.ENOENT}:
                return None
            _raise_error(payload, flags, what)
            break
        return answer

    def dump(self, kind: int, body: bytes, what: str) -> list[bytes]:
        """All messages of `kind`; asked again if a change fell into the middle of it."""
        while True:
            found, whole = self._dump_once(kind, body, what)
            if whole:
                return found

    def _dump_once(self, kind: int, body: bytes, what: str) -> "tuple[list[bytes], bool]":
        self._send(kind, NLM_F_DUMP, body)
        found: list[bytes] = []
        whole = True
        for reply, flags, payload in self._replies():
            whole = whole and not flags & NLM_F_DUMP_INTR
            if reply == NLMSG_DONE:
                break
            if reply == NLMSG_ERROR:
                _raise_error(payload, flags, what)
            found.append(payload)
        return found, whole

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        size = _HEADER.size + len(body)
        header = _HEADER.pack(size, kind, flags | NLM_F_REQUEST, self._sequence, 0)
        self._socket.send(header + body)

    def _replies(self) -> "Iterator[tuple[int, int, bytes]]":
        while True:
            data = self._socket.recv(_RECEIVE)
            at = 0
            while at + _HEADER.size <= len(data):
                size, kind, flags, sequence, _port = _HEADER.unpack_from(data, at)
                if sequence == self._sequence:
                    yield kind, flags, data[at + _HEADER.size : at + size]
                at += size + (-size % 4)


def _raise_error(payload: bytes, flags: int, what: str) -> None:
    """Raise what an acknowledgement says, with the kernel's own sentence if it gave one."""
    number = -struct.unpack_from("=i", payload)[0]
    if number == 0:
        return
    reason = os.strerror(number)
    if flags & NLM_F_ACK_TLVS:
        said = parse(payload[4 + _HEADER.size :]).get(NLMSGERR_ATTR_MSG, b"")
        reason += f" ({said.rstrip(bytes(1)).decode()})" if said else ""
    raise OSError(number, f"netlink: {what}: {reason}")
