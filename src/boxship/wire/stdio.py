"""Docker's stdio stream: frames of stdout and stderr on one connection, bytes <-> frames.

stream (1: stdout 1, stderr 2)   0 0 0   length (4, big endian)   payload
"""

import struct

STDIN, STDOUT, STDERR, SYSTEM_ERROR = 0, 1, 2, 3

_HEADER = struct.Struct(">BxxxI")
HEADER_SIZE = _HEADER.size


def header(stream: int, length: int) -> bytes:
    """The eight bytes before a payload of `length`."""
    return _HEADER.pack(stream, length)


def encode(stream: int, payload: bytes) -> bytes:
    """`payload` as one frame of `stream`."""
    return _HEADER.pack(stream, len(payload)) + payload


class Decoder:
    """One connection's frames, fed with whatever arrives."""

    def __init__(self) -> None:
        """A connection at its begin."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that `data` completes, in order: stream and payload."""
        self._buffer += data
        frames = []
        at = 0
        while len(self._buffer) - at >= HEADER_SIZE:
            stream, length = _HEADER.unpack_from(self._buffer, at)
            end = at + HEADER_SIZE + length
            if len(self._buffer) < end:
                break
            frames.append((stream, bytes(self._buffer[at + HEADER_SIZE : end])))
            at = end
        del self._buffer[:at]
        return frames

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete frame are held."""
        return len(self._buffer)
