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


class Connection(RequestHandler):
    """aiohttp's connection; `surrender` gives what came after an upgrade request."""

    __slots__ = ("_body_left", "_ended", "_kept")

    def __init__(self, manager: web.Server, **settings: object) -> None:
        """A connection that parses HTTP."""
        super().__init__(manager, **settings)  # type: ignore[arg-type]
        self._kept: bytes | None = None
        self._ended = False
        self._body_left = 0  # of the request that takes over: its body may come after its head

    def data_received(self, data: bytes) -> None:
        """Parse, or keep."""
        if self._kept is not None:
            if self._body_left:
                body, data = data[: self._body_left], data[self._body_left :]
                self._body_left -= len(body)
                super().data_received(body)
            self._kept += data
            return
        super().data_received(data)
        if self._messages:
            request = self._messages[-1][0]
            if getattr(request, "upgrade", False) and _is_ours(cast("RawRequestMessage", request)):
                self._kept, self._body_left = _rest(data, cast("RawRequestMessage", request))

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The end of a client's input is the end of its request, but for one that is taken over."""
        self._ended = True
        return self._kept is not None

    def surrender(self) -> tuple[bytes, bool]:
        """What was kept, and whether the input has ended already."""
        kept, self._kept = self._kept or b"", b""
        return kept, self._ended


class Connections(web.Server):
    """aiohttp's server, with such connections."""

    def __call__(self) -> RequestHandler:
        """A new client."""
        return Connection(self, loop=self._loop, **self._kwargs)


def _is_ours(request: RawRequestMessage) -> bool:
    return request.headers.get("Upgrade", "").lower() == UPGRADE


def _rest(data: bytes, request: RawRequestMessage) -> tuple[bytes, int]:
    """What follows the request in the piece of data that ends it; and what is missing of it."""
    _, _, rest = data.partition(b"\r\n\r\n")
    length = request.headers.get("Content-Length", "0")
    if not length.isdigit():
        return b"", 0
    return rest[int(length) :], max(0, int(length) - len(rest))
