"""_ping, version, info, events, auth, system/df."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.api.docker.auth import AuthConfig
from boxship.daemon import reply
from boxship.daemon.filters import Filters
from boxship.daemon.routes.streams import open_stream
from boxship.daemon.views import moments, system
from boxship.model.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from typing import Any

    from aiohttp import web

    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route

PING = {
    **reply.COMMON,
    "Builder-Version": "1",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Swarm": "inactive",
}
_BY_NAME = (
    "config", "container", "daemon", "image", "network", "node", "plugin", "secret", "service",
    "volume",
)  # fmt: skip


class System:
    """What concerns the engine as a whole."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine

    async def ping(self, request: Request) -> web.Response:
        """GET and HEAD /_ping."""
        return reply.text("" if request.http.method == "HEAD" else "OK", headers=PING)

    async def version(self, _: Request) -> web.Response:
        """GET /version."""
        return reply.json(system.version(self._engine.version()))

    async def info(self, request: Request) -> web.Response:
        """GET /info."""
        return reply.json(system.info(self._engine.info(), request.version))

    async def auth(self, request: Request) -> web.Response:
        """POST /auth: tried at the registry."""
        await request.document(AuthConfig)
        raise Unsupported("logging in to a registry is not there yet")

    async def events(self, request: Request) -> web.StreamResponse:
        """GET /events: past ones from `since`, then as they happen, to `until`."""
        since, until = _time(request, "since"), _time(request, "until")
        filters = Filters.parse(request.text("filters"), None)  # unknown keys are no error here
        feed = self._engine.events.subscribe(since, until)
        response = await open_stream(request, "application/json")
        async for event in feed:
            if wanted(event, filters):
                await response.write(reply.encode(event) + b"\n")
        return response

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("GET", "/_ping", self.ping),
            ("HEAD", "/_ping", self.ping),
            ("GET", "/version", self.version),
            ("GET", "/info", self.info),
            ("POST", "/auth", self.auth),
            ("GET", "/events", self.events),
        ]


def wanted(event: dict[str, Any], filters: Filters) -> bool:
    """Whether an event passes the filters."""
    actor = event["Actor"]
    attributes = actor["Attributes"]
    return (
        filters.exact("type", event["Type"])
        and filters.exact("scope", event["scope"])
        and _action(event["Action"], filters)
        and filters.labelled(attributes)
        and all(_about(event["Type"], actor, filters, kind) for kind in _BY_NAME if kind in filters)
    )


def _action(action: str, filters: Filters) -> bool:
    """`exec_create: sh` is found as itself and as `exec_create`."""
    return filters.exact("event", action) or filters.exact("event", action.partition(":")[0])


def _about(kind: str, actor: dict[str, Any], filters: Filters, asked: str) -> bool:
    """Whether the event is on one of the named things of the kind `asked`."""
    name = actor["Attributes"].get("name", "")
    if kind != asked and not (asked == "image" and kind == "container"):
        return False
    if asked == "image":
        image = actor["Attributes"].get("image", name)
        wanted_images = filters.get("image")
        return any(w in (image, image.rpartition(":")[0], actor["ID"]) for w in wanted_images)
    return any(w == name or actor["ID"].startswith(w) for w in filters.get(asked))


def _time(request: Request, key: str) -> int | None:
    text = request.text(key)
    if not text:
        return None
    try:
        return moments.parse(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
