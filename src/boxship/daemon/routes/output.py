"""What a container says and hears: logs, attach, and attach over a websocket."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from boxship.daemon import channel as channels
from boxship.daemon import websocket
from boxship.daemon.requests import AttachOptions
from boxship.daemon.routes.streams import open_stream
from boxship.daemon.views import moments
from boxship.logs.reader import ReadOptions
from boxship.model.errors import BoxshipError, Invalid

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route


class Output:
    """Streams of a container."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine

    async def logs(self, request: Request) -> web.StreamResponse:
        """GET /containers/{id}/logs: in frames, or raw if it has a terminal."""
        container = self._find(request)
        tty = bool(container.config.get("Tty"))
        options = _read_options(request, framed=not tty)
        follow = request.flag("follow")
        pieces = self._engine.logs(container, options, follow=follow)
        try:
            # An error is known before the first byte; a log that is followed may have none yet.
            first = b"" if follow and container.log_path else await anext(pieces, b"")
            response = await open_stream(request, stream_type(request, tty=tty))
            if first:
                await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        finally:
            await pieces.aclose()
        return response

    async def attach(self, request: Request) -> web.StreamResponse:
        """POST /containers/{id}/attach: the connection becomes the container's stdio."""
        container = self._find(request)
        options = _attach_options(request)
        self._engine.attach_check(container, options)  # while there can still be an answer
        tty = bool(container.config.get("Tty"))
        channel = channels.hijack(request.http, hijack_type(request, tty=tty))
        try:
            await self._engine.attach(container, options, channel)
        except BoxshipError as error:
            await channels.tell(channel, str(error), framed=not tty)
        finally:
            channels.release(request.http)
        return web.Response()

    async def attach_websocket(self, request: Request) -> web.StreamResponse:
        """GET /containers/{id}/attach/ws."""
        container = self._find(request)
        options = _attach_options(request)
        self._engine.attach_check(container, options)
        framed = not container.config.get("Tty")
        socket, channel = await websocket.accept(request, framed=framed)
        with suppress(ConnectionError, BoxshipError):
            await self._engine.attach(container, options, channel)
        await socket.close()
        return socket

    def _find(self, request: Request) -> Container:
        return self._engine.containers.get(request.names["id"])

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("GET", "/containers/{id}/logs", self.logs),
            ("POST", "/containers/{id}/attach", self.attach),
            ("GET", "/containers/{id}/attach/ws", self.attach_websocket),
        ]


def stream_type(request: Request, *, tty: bool) -> str:
    """The content type of a stream: since 1.42 it tells frames from raw bytes."""
    return channels.RAW if tty or request.version < (1, 42) else channels.MULTIPLEXED


def hijack_type(request: Request, *, tty: bool) -> str:
    """As stream_type; a client that asks for no upgrade hears nothing of frames."""
    upgrade = channels.wants_upgrade(request.http)
    return stream_type(request, tty=tty) if upgrade else channels.RAW


def _attach_options(request: Request) -> AttachOptions:
    return AttachOptions(
        stdin=request.flag("stdin"),
        stdout=request.flag("stdout"),
        stderr=request.flag("stderr"),
        stream=request.flag("stream"),
        logs=request.flag("logs"),
        detach_keys=request.text("detachKeys") or None,
    )


def _read_options(request: Request, *, framed: bool) -> ReadOptions:
    stdout, stderr = request.flag("stdout"), request.flag("stderr")
    if not stdout and not stderr:
        raise Invalid("Bad parameters: you must choose at least one stream")
    return ReadOptions(
        tail=_tail(request.text("tail")),
        since_ns=_moment(request.text("since")),
        until_ns=_moment(request.text("until")),
        stdout=stdout,
        stderr=stderr,
        timestamps=request.flag("timestamps"),
        details=request.flag("details"),
        framed=framed,
    )


def _tail(text: str) -> int:
    """A number of lines; anything else is all of them, as in Docker."""
    return int(text) if text.isascii() and text.isdigit() else -1


def _moment(text: str) -> int:
    if text in ("", "0"):
        return 0
    try:
        return moments.parse(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
