"""ttrpc, containerd's small RPC between itself and its shims: bytes <-> messages.

Every message is a header of ten bytes and its payload:

    length (4, big endian)   stream (4, big endian)   type (1)   flags (1)   payload

A client numbers its calls 1, 3, 5 ...; the answer carries the call's number, in any order.
"""

import struct

from boxship.wire.protobuf import (
    Malformed,
    decode,
    encode,
    encode_length,
    encode_number,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LENGTH = 4 << 20

REQUEST, RESPONSE, DATA = 1, 2, 3
REMOTE_CLOSED, REMOTE_OPEN, NO_DATA = 1, 2, 4

# The gRPC codes that a status carries.
OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14

_HEADER = struct.Struct(">IIBB")
_KEY_VALUE = {"key": (1, str), "value": (2, str)}
_REQUEST = {
    "service": (1, str),
    "method": (2, str),
    "payload": (3, bytes),
    "timeout_nano": (4, int),
    "metadata": (5, [_KEY_VALUE]),
}
_STATUS = {"code": (1, int), "message": (2, str)}
_RESPONSE = {"status": (1, _STATUS), "payload": (2, bytes)}


class Request:
    """A call: answer it with a response that carries its `stream`."""

    __slots__ = ("metadata", "method", "payload", "service", "stream", "timeout_ns")

    def __init__(self, stream: int, service: str, method: str, payload: bytes) -> None:
        """A call without deadline and metadata; the decoder adds those it reads."""
        self.stream = stream
        self.service = service
        self.method = method
        self.payload = payload
        self.timeout_ns = 0
        self.metadata: list[tuple[str, str]] = []


class Response:
    """The answer to the call of the same `stream`: `code` 0 and a payload, or an error."""

    __slots__ = ("code", "message", "payload", "stream")

    def __init__(self, stream: int, payload: bytes, code: int = OK, message: str = "") -> None:
        """An answer as read."""
        self.stream = stream
        self.payload = payload
        self.code = code
        self.message = message


class Data:
    """A piece of a streaming call; containerd's Task and Events services have none."""

    __slots__ = ("flags", "payload", "stream")

    def __init__(self, stream: int, payload: bytes, flags: int) -> None:
        """A piece as read."""
        self.stream = stream
        self.payload = payload
        self.flags = flags


class Refused:
    """A message that cannot be taken; answer a request with `code` and `message`."""

    __slots__ = ("code", "kind", "message", "stream")

    def __init__(self, stream: int, kind: int, code: int, message: str) -> None:
        """What was wrong with a message of type `kind`."""
        self.stream = stream
        self.kind = kind
        self.code = code
        self.message = message


if TYPE_CHECKING:
    Message = Request | Response | Data | Refused


class Decoder:
    """One direction of a connection, fed with whatever arrives."""

    def __init__(self) -> None:
        """A connection at its begin."""
        self._buffer = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> "list[Message]":
        """The messages that `data` completes, in order."""
        self._buffer += data
        messages: list[Message] = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> "Message | None":
        if self._skip:
            dropped = min(self._skip, len(self._buffer))
            del self._buffer[:dropped]
            self._skip -= dropped
        if self._skip or len(self._buffer) < _HEADER.size:
            return None
        length, stream, kind, flags = _HEADER.unpack_from(self._buffer)
        if length > MAX_LENGTH:
            del self._buffer[: _HEADER.size]
            self._skip = length
            text = f"message length {length} exceed maximum message size of {MAX_LENGTH}"
            return Refused(stream, kind, RESOURCE_EXHAUSTED, text)
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        return _message(stream, kind, flags, payload)


def _message(stream: int, kind: int, flags: int, payload: bytes) -> "Message":
    try:
        if kind == REQUEST:
            return _request(stream, payload)
        if kind == RESPONSE:
            return _response(stream, payload)
    except Malformed as error:
        return Refused(stream, kind, INVALID_ARGUMENT, f"malformed message: {error}")
    if kind == DATA:
        return Data(stream, payload, flags)
    return Refused(stream, kind, INVALID_ARGUMENT, f"message type {kind} is unknown")


def _request(stream: int, payload: bytes) -> Request:
    read = decode(_REQUEST, payload)
    request = Request(stream, read["service"], read["method"], read["payload"])
    request.timeout_ns = read["timeout_nano"]
    request.metadata = [(pair["key"], pair["value"]) for pair in read["metadata"]]
    return request


def _response(stream: int, payload: bytes) -> Response:
    read = decode(_RESPONSE, payload)
    status = read["status"] or {"code": OK, "message": ""}
    return Response(stream, read["payload"], status["code"], status["message"])


def encode_request(
    stream: int,
    method: "tuple[str, str]",
    payload: bytes,
    timeout_ns: int = 0,
    metadata: "Sequence[tuple[str, str]]" = (),
) -> bytes:
    """A call of `method`, (service, method) as in ("containerd.task.v2.Task", "State")."""
    body = encode_length(1, method[0].encode()) + encode_length(2, method[1].encode())
    if payload:
        body += encode_length(3, payload)
    if timeout_ns:
        body += encode_number(4, timeout_ns)
    for key, value in metadata:
        body += encode_length(5, encode(_KEY_VALUE, {"key": key, "value": value}))
    return frame(stream, REQUEST, body)


def encode_response(stream: int, payload: bytes) -> bytes:
    """The answer to a call that went well."""
    return frame(stream, RESPONSE, encode_length(2, payload) if payload else b"")


def encode_error(stream: int, code: int, message: str) -> bytes:
    """The answer to a call that failed."""
    status = encode(_STATUS, {"code": code, "message": message})
    return frame(stream, RESPONSE, encode_length(1, status))


def frame(stream: int, kind: int, payload: bytes, flags: int = 0) -> bytes:
    """Any message: header and payload."""
    if len(payload) > MAX_LENGTH:
        raise ValueError(f"a ttrpc message holds {MAX_LENGTH} bytes, not {len(payload)}")
    return _HEADER.pack(len(payload), stream, kind, flags) + payload
