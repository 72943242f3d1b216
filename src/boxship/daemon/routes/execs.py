"""Programs started in a running container: exec create, start, inspect, resize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from boxship.api.docker.container import ExecRequest, ExecStartRequest
from boxship.api.docker.document import plain
from boxship.daemon import channel as channels
from boxship.daemon import detach, reply
from boxship.daemon.http import carry_through
from boxship.daemon.requests import ExecStart
from boxship.daemon.routes.lifecycle import size
from boxship.daemon.routes.output import hijack_type
from boxship.daemon.views import execs as views
from boxship.model.errors import BoxshipError, Invalid

if TYPE_CHECKING:
    from boxship.daemon.engine import Engine
    from boxship.daemon.exec import Exec
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route

_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in reply.COMMON.items())


class Execs:
    """Exec instances: made, then started, then looked at."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine

    async def create(self, request: Request) -> web.Response:
        """POST /containers/{id}/exec."""
        container = self._engine.containers.get(request.names["id"])
        asked = plain(await request.optional_document(ExecRequest))
        if not asked["Cmd"]:
            raise Invalid("No exec command specified")
        detach.parsed(asked["DetachKeys"])
        made = await self._engine.exec_create(container, asked)
        return reply.json({"Id": made}, 201)

    async def start(self, request: Request) -> web.StreamResponse:
        """POST /exec/{id}/start: detached, or the connection becomes its stdio."""
        command = self._find(request)
        body = await request.optional_document(ExecStartRequest)
        asked = ExecStart(
            detach=bool(body.Detach),
            tty=bool(body.Tty),
            console_size=_console_size(body.ConsoleSize),
        )
        if asked.detach:
            await carry_through(self._engine.exec_start(command, asked, None))
            return reply.empty(200)
        kind = hijack_type(request, tty=asked.tty)
        channel = channels.hijack(request.http, kind, _HEADERS)
        try:
            await self._engine.exec_start(command, asked, channel)
        except BoxshipError as error:
            await channels.tell(channel, str(error), framed=not asked.tty)
        finally:
            channels.release(request.http)
        return web.Response()

    async def inspect(self, request: Request) -> web.Response:
        """GET /exec/{id}/json."""
        return reply.json(views.inspect(self._find(request)))

    async def resize(self, request: Request) -> web.Response:
        """POST /exec/{id}/resize."""
        height, width = size(request)
        await self._engine.exec_resize(self._find(request), height, width)
        return reply.empty(200)

    def _find(self, request: Request) -> Exec:
        return self._engine.exec_get(request.names["id"])

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("POST", "/containers/{id}/exec", self.create),
            ("POST", "/exec/{id}/start", self.start),
            ("GET", "/exec/{id}/json", self.inspect),
            ("POST", "/exec/{id}/resize", self.resize),
        ]


def _console_size(value: list[int] | None) -> tuple[int, int] | None:
    """Height and width; zeros are no size."""
    if not value:
        return None
    if len(value) != 2:
        raise Invalid(f"invalid console size {value}: it must be a height and a width")
    return (value[0], value[1]) if all(value) else None
