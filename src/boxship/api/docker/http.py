"""HTTP/1.1 as the Engine API uses it, over a connected socket: one request, one response."""

from boxship.model.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader
    from socket import socket
    from typing import Any, BinaryIO, TypeAlias

    Json: TypeAlias = Any

PIECE = 65536
LONGEST_LINE = 65536


class Response:
    """The head of a response, and its body as it comes."""

    __slots__ = ("_file", "_left", "chunked", "headers", "link", "reusable", "status")

    def __init__(self, link: "socket", method: str) -> None:
        """Read the head."""
        self.link = link
        self._file: BufferedReader = link.makefile("rb", PIECE)  # type: ignore[assignment]
        try:
            self.status = self._status()
        except BaseException:
            self._file.close()
            raise
        self.headers = self._headers()
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self._left = self._length(method)
        self.reusable = self.headers.get("connection", "").lower() != "close"

    def _status(self) -> int:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise Unavailable("the engine closed the connection without an answer")
        parts = line.split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1."):
            raise Unavailable(f"the engine's answer is not HTTP: {line[:60]!r}")
        return int(parts[1])

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while (line := self._file.readline(LONGEST_LINE)) not in {b"\r\n", b"\n", b""}:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return headers

    def _length(self, method: str) -> int | None:
        """How many bytes are left of a body with a length; None: up to the end of the stream."""
        if method == "HEAD" or self.status in {204, 304}:
            self.chunked = False
            return 0
        length = self.headers.get("content-length")
        return int(length) if length is not None and not self.chunked else None

    def pieces(self) -> "Iterator[bytes]":
        """The body, each piece as soon as it is there."""
        if self.chunked:
            yield from self._chunks()
            return
        while self._left is None or self._left > 0:
            size = PIECE if self._left is None else min(PIECE, self._left)
            piece = self._file.read1(size)
            if not piece:
                self.reusable = False
                if self._left is not None:
                    raise _cut_short()
                return
            if self._left is not None:
                self._left -= len(piece)
            yield piece

    def _chunks(self) -> "Iterator[bytes]":
        while True:
            line = self._file.readline(LONGEST_LINE)
            if not line:
                raise _cut_short()
            size = int(line.split(b";")[0].strip() or b"0", 16)
            if size == 0:
                self.chunked, self._left = False, 0
                self._file.readline(LONGEST_LINE)
                return
            while size:
                piece = self._file.read1(min(size, PIECE))
                if not piece:
                    raise _cut_short()
                size -= len(piece)
                yield piece
            self._file.readline(LONGEST_LINE)

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces())

    def json(self) -> "Json":
        """The body as a value."""
        import json

        return json.loads(self.read() or b"null")

    def messages(self) -> "Iterator[Json]":
        """The body as a row of JSON values, each as soon as it is complete."""
        import json

        decoder = json.JSONDecoder()
        buffer = ""
        data = b""
        for piece in self.pieces():
            data += piece
            cut = data.rfind(b"\n") + 1
            buffer += data[:cut].decode(errors="replace")
            data = data[cut:]
            buffer, values = _decoded(decoder, buffer)
            yield from values
        yield from _decoded(decoder, buffer + data.decode(errors="replace"))[1]

    def buffered(self) -> bytes:
        """What was read from the socket beyond the head; for a connection that was taken over."""
        self.link.setblocking(False)
        try:
            return self._file.read1(PIECE) or b""
        except OSError:
            # Nothing there yet.
            return b""
        finally:
            self.link.setblocking(True)

    def close(self) -> None:
        """Close the stream and the connection."""
        self._file.close()
        self.link.close()

    def release(self) -> "socket | None":
        """The connection, if another request may go over it; the body has been read."""
        self._file.close()
        if self.reusable and not self.chunked and self._left == 0:
            return self.link
        self.link.close()
        return None


def _cut_short() -> Unavailable:
    return Unavailable("the engine closed the connection in the middle of an answer")


def _decoded(decoder: "Json", text: str) -> "tuple[str, list[Json]]":
    values: list[Json] = []
    pos = 0
    while True:
        while pos < len(text) and text[pos] in " \r\n\t":
            pos += 1
        if pos == len(text):
            return "", values
        try:
            value, pos = decoder.raw_decode(text, pos)
        except ValueError:
            return text[pos:], values
        values.append(value)


def head(method: str, target: str, headers: "Mapping[str, str]") -> bytes:
    """The head of a request."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def send_chunked(link: "socket", stream: "BinaryIO") -> None:
    """A request's body of unknown length."""
    while piece := stream.read(PIECE):
        link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    link.sendall(b"0\r\n\r\n")


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def quoted(text: str, safe: str = "") -> str:
    """The text as a part of a URL."""
    return "".join(
        char
        if char in _PLAIN or char in safe
        else "".join(f"%{byte:02X}" for byte in char.encode(errors="surrogateescape"))
        for char in text
    )


def query_string(query: "Mapping[str, Json]") -> str:
    """`?a=1&b=2`: lists repeat the name, True is 1, None is left out."""
    pairs = []
    for name, value in query.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if item is not None and item is not False:
                text = "1" if item is True else str(item)
                pairs.append(f"{quoted(name)}={quoted(text)}")
    return f"?{'&'.join(pairs)}" if pairs else ""
