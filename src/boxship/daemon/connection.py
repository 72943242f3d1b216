"""A connection of the HTTP server that can be taken over without losing a byte.

aiohttp keeps what follows a request only for websockets; a client that sends stdin, or ends it,
right behind its `Upgrade: tcp` would lose that.  So from such a request on, nothing is parsed but
kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

UPGRADE = "tcp"
_END = b"\r\n\r\n"  # of a head


class Connection(RequestHandler):
    """aiohttp's connection; `surrender` gives what came after an upgrade request."""

    __slots__ = ("_body", "_ended", "_kept", "_last", "_surrendered")

    def __init__(self, manager: web.Server, **settings: object) -> None:
        """A connection that parses HTTP."""
        super().__init__(manager, **settings)  # type: ignore[arg-type]
        self._kept: bytes | None = None
        self._ended = False
        self._surrendered = False
        self._last = b""  # the end of what came before: the end of a head may come in two pieces
        self._body: Body | None = None  # of the request that takes over: may come after its head

    @property
    def deaf(self) -> bool:
        """Whether an upgrade was asked for and not given: nothing is parsed here any more."""
        return self._kept is not None and not self._surrendered

    def data_received(self, data: bytes) -> None:
        """Parse, or keep."""
        if self._body is not None and self._kept is not None:
            size = self._body.take(data)
            if size:
                super().data_received(data[:size])
            self._kept += data[size:]
            return
        before, self._last = self._last, (self._last + data)[-len(_END) + 1 :]
        super().data_received(data)
        if self._messages:
            request = cast("RawRequestMessage", self._messages[-1][0])
            if getattr(request, "upgrade", False) and _is_ours(request):
                _, _, rest = (before + data).partition(_END)
                self._body = Body.of(request)
                self._kept = rest[self._body.take(rest) :]

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The end of a client's input is the end of its request, but for one that is taken over."""
        self._ended = True
        return self._kept is not None

    def surrender(self) -> tuple[bytes, bool]:
        """What was kept, and whether the input has ended already."""
        self._surrendered = True
        kept, self._kept = self._kept or b"", b""
        return kept, self._ended


class Body:
    """Where the body of a request ends; aiohttp reads it, and does not tell."""

    def __init__(self, length: int, *, chunked: bool = False) -> None:
        """Of so many bytes, or in chunks that say how many (RFC 9112, 7.1)."""
        self._left = length
        self._chunked = chunked
        self._line = b""
        self._trailers = False

    @classmethod
    def of(cls, request: RawRequestMessage) -> Body:
        """As a request's head has it; one that is malformed is refused by aiohttp."""
        if request.chunked:
            return cls(0, chunked=True)
        length = request.headers.get("Content-Length", "0")
        return cls(int(length) if length.isdecimal() else 0)

    def take(self, data: bytes) -> int:
        """How many bytes of the next piece are the body's."""
        at = 0
        while at < len(data) and (self._left or self._chunked):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            else:
                step = (data.find(b"\n", at) + 1 or len(data)) - at
                self._read(data[at : at + step])
            at += step
        return at

    def _read(self, piece: bytes) -> None:
        """A line between chunks, or a part of it."""
        self._line += piece
        if not piece.endswith(b"\n"):
            return
        line, self._line = self._line.strip(), b""
        if self._trailers:
            self._chunked = bool(line)
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            self._chunked = False
            return
        self._left = size + len(b"\r\n") if size else 0
        self._trailers = not size


class Connections(web.Server):
    """aiohttp's server, with such connections."""

    def __call__(self) -> RequestHandler:
        """A new client."""
        return Connection(self, loop=self._loop, **self._kwargs)


def _is_ours(request: RawRequestMessage) -> bool:
    return request.headers.get("Upgrade", "").lower() == UPGRADE
