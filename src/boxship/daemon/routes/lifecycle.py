"""A container's life: start, stop, restart, kill, pause, unpause, wait, resize.

What a client asked for is carried through when it goes away: a `stop` that was answered to nobody
is still a stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.daemon import reply
from boxship.daemon.http import carry_through
from boxship.daemon.routes.streams import open_stream
from boxship.model.errors import Invalid, NotFound

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.container import Container
    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route


class Lifecycle:
    """Moves of a container."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine

    async def start(self, request: Request) -> web.Response:
        """POST /containers/{id}/start: 304 when it runs."""
        keys = request.text("detachKeys") or None
        await carry_through(self._engine.start(self._find(request), detach_keys=keys))
        return reply.empty()

    async def stop(self, request: Request) -> web.Response:
        """POST /containers/{id}/stop: 304 when it does not run."""
        timeout, signal = request.number("t"), request.text("signal") or None
        await carry_through(self._engine.stop(self._find(request), timeout, signal))
        return reply.empty()

    async def restart(self, request: Request) -> web.Response:
        """POST /containers/{id}/restart."""
        timeout, signal = request.number("t"), request.text("signal") or None
        await carry_through(self._engine.restart(self._find(request), timeout, signal))
        return reply.empty()

    async def kill(self, request: Request) -> web.Response:
        """POST /containers/{id}/kill."""
        try:
            container = self._find(request)
        except NotFound as error:  # the one move whose refusals all begin so
            text = f"cannot kill container: {request.names['id']}: {error.message}"
            raise NotFound(text, hint=error.hint) from None
        await carry_through(self._engine.kill(container, request.text("signal") or "SIGKILL"))
        return reply.empty()

    async def pause(self, request: Request) -> web.Response:
        """POST /containers/{id}/pause."""
        await carry_through(self._engine.pause(self._find(request)))
        return reply.empty()

    async def unpause(self, request: Request) -> web.Response:
        """POST /containers/{id}/unpause."""
        await carry_through(self._engine.unpause(self._find(request)))
        return reply.empty()

    async def resize(self, request: Request) -> web.Response:
        """POST /containers/{id}/resize."""
        height, width = size(request)
        await self._engine.resize(self._find(request), height, width)
        return reply.empty(200)

    async def wait(self, request: Request) -> web.StreamResponse:
        """POST /containers/{id}/wait: the header at once, then the body.

        `docker run` starts the container when it has the header; clients before 1.30 get both
        together.
        """
        container = self._find(request)
        waiter = self._engine.wait_begin(container, request.text("condition"))
        try:
            if request.version < (1, 30):
                return reply.json(_outcome(*await waiter))
            response = await open_stream(request, "application/json")
            await response.write(reply.encode(_outcome(*await waiter)) + b"\n")
        finally:
            waiter.cancel()
        return response

    def _find(self, request: Request) -> Container:
        return self._engine.containers.get(request.names["id"])

    def routes(self) -> list[Route]:
        """What is served here."""
        at = "/containers/{id}"
        return [
            ("POST", f"{at}/start", self.start),
            ("POST", f"{at}/stop", self.stop),
            ("POST", f"{at}/restart", self.restart),
            ("POST", f"{at}/kill", self.kill),
            ("POST", f"{at}/pause", self.pause),
            ("POST", f"{at}/unpause", self.unpause),
            ("POST", f"{at}/resize", self.resize),
            ("POST", f"{at}/wait", self.wait),
        ]


def size(request: Request) -> tuple[int, int]:
    """Height and width of a terminal, from the query."""
    return _extent(request, "h", "height"), _extent(request, "w", "width")


def _extent(request: Request, key: str, noun: str) -> int:
    text = request.text(key)
    if not text.isdecimal():
        raise Invalid(f'invalid resize {noun} "{text}": invalid syntax')
    if int(text) >= 1 << 16:
        raise Invalid(f'invalid resize {noun} "{text}": value out of range')
    return int(text)


def _outcome(code: int, error: str | None) -> dict[str, Any]:
    if error is None:
        return {"StatusCode": code}
    return {"Error": {"Message": error}, "StatusCode": code}
