"""Containers: list, create, inspect, top, rename, update, remove, prune."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from boxship.api.docker.container import CreateRequest as CreateBody
from boxship.api.docker.document import plain
from boxship.api.docker.host_config import UPDATABLE, HostConfig
from boxship.daemon import reply, selection
from boxship.daemon.filters import Filters
from boxship.daemon.http import carry_through
from boxship.daemon.requests import CreateRequest
from boxship.daemon.routes.prune import doomed
from boxship.daemon.routes.streams import open_stream
from boxship.daemon.views import containers as views
from boxship.model.errors import BoxshipError, Conflict, Invalid, NotFound, Unsupported

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.container import Container
    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route


class Containers:
    """Container records: making, showing, changing, removing."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine
        self._parts = engine.parts

    async def index(self, request: Request) -> web.Response:
        """GET /containers/json: the newest first, running ones unless more is asked for."""
        filters = Filters.parse(request.text("filters"), selection.FILTERS)
        limit = request.number("limit") or 0
        everything = request.flag("all") or limit > 0
        chosen = selection.select(self._engine, filters, everything=everything)
        if limit > 0:
            chosen = chosen[:limit]
        names = _ImageNames(self._engine)
        now = time.time_ns()
        measured = [await sizes(self._engine, c) for c in chosen] if request.flag("size") else None
        entries = (views.entry(c, names.of(c), now) for c in chosen)
        if measured is not None:
            entries = (entry | size for entry, size in zip(entries, measured, strict=True))
        return reply.json_each(entries)

    async def create(self, request: Request) -> web.Response:
        """POST /containers/create."""
        body = await request.body()
        if body.strip() == b"null":
            raise Invalid("config cannot be empty in order to create a container")
        asked = plain(request.document_of(body, CreateBody))
        host = asked.pop("HostConfig", None) or plain(HostConfig())
        networking = asked.pop("NetworkingConfig", None) or {}
        wanted = CreateRequest(
            name=request.text("name") or None,
            config=asked,
            host_config=host,
            networking_config=networking,
            platform=request.text("platform") or None,
        )
        made, warnings = await carry_through(self._engine.create(wanted))
        return reply.json({"Id": made, "Warnings": warnings or []}, 201)

    async def inspect(self, request: Request) -> web.Response:
        """GET /containers/{id}/json."""
        container = self._find(request)
        result = views.inspect(container, self._layers(container))
        if request.flag("size"):
            result |= {"SizeRw": 0} | await sizes(self._engine, container)
        return reply.json(result)

    async def top(self, request: Request) -> web.Response:
        """GET /containers/{id}/top."""
        arguments = request.text("ps_args") or "-ef"
        return reply.json(await self._engine.top(self._find(request), arguments))

    async def changes(self, request: Request) -> web.Response:
        """GET /containers/{id}/changes."""
        container = self._find(request)
        found = await self._parts.in_thread(self._parts.layers.changes, container.id)
        return reply.json([{"Path": path, "Kind": kind} for path, kind in found] or None)

    async def export(self, request: Request) -> web.StreamResponse:
        """GET /containers/{id}/export: its whole tree as a tar."""
        container = self._find(request)
        pieces = self._parts.layers.export(container.id)
        first = await self._parts.in_thread(next, pieces, b"")
        response = await open_stream(request, "application/octet-stream")
        await response.write(first)
        while piece := await self._parts.in_thread(next, pieces, b""):
            await response.write(piece)
        self._engine.events.container(container, "export")
        return response

    async def rename(self, request: Request) -> web.Response:
        """POST /containers/{id}/rename."""
        container = self._find(request)
        name = request.text("name").removeprefix("/")
        if not name:
            raise Invalid("Neither old nor new names may be empty")
        await carry_through(self._engine.rename(container, name))
        return reply.empty()

    async def update(self, request: Request) -> web.Response:
        """POST /containers/{id}/update."""
        container = self._find(request)
        asked = plain(await request.document(HostConfig))
        update = getattr(self._engine, "update", None)
        if update is None:
            raise Unsupported("changing the limits of a container is not there yet")
        changes = {name: asked[name] for name in UPDATABLE if asked.get(name)}
        warnings = await carry_through(update(container, changes))
        return reply.json({"Warnings": warnings or None})

    async def remove(self, request: Request) -> web.Response:
        """DELETE /containers/{id}."""
        container = self._find(request)
        work = self._engine.remove(
            container,
            force=request.flag("force"),
            volumes=request.flag("v"),
            link=request.flag("link"),
        )
        await carry_through(work)
        return reply.empty()

    async def prune(self, request: Request) -> web.Response:
        """POST /containers/prune: all that do not run."""
        filters = Filters.parse(request.text("filters"), ("label", "label!", "until"))
        return reply.json(await carry_through(self._prune(filters)))

    async def _prune(self, filters: Filters) -> dict[str, Any]:
        deleted: list[str] = []
        freed = 0
        for container in self._engine.containers.list():
            labels = container.config.get("Labels") or {}
            if container.state.running or not doomed(filters, labels, container.created_ns):
                continue
            size = await self._engine.usage(container)
            try:
                await self._engine.remove(container, force=False, volumes=False, link=False)
            except (Conflict, NotFound):  # started or removed by someone meanwhile
                continue
            deleted.append(container.id)
            freed += size
        return {"ContainersDeleted": deleted or None, "SpaceReclaimed": freed}

    def _layers(self, container: Container) -> dict[str, str] | None:
        try:
            return self._engine.layer_paths(container)
        except NotFound:  # it is being removed
            return None

    def _find(self, request: Request) -> Container:
        return self._engine.containers.get(request.names["id"])

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("GET", "/containers/json", self.index),
            ("POST", "/containers/create", self.create),
            ("POST", "/containers/prune", self.prune),
            ("GET", "/containers/{id}/json", self.inspect),
            ("GET", "/containers/{id}/top", self.top),
            ("GET", "/containers/{id}/changes", self.changes),
            ("GET", "/containers/{id}/export", self.export),
            ("POST", "/containers/{id}/rename", self.rename),
            ("POST", "/containers/{id}/update", self.update),
            ("DELETE", "/containers/{id}", self.remove),
        ]


class _ImageNames:
    """How the image of a container is called now: by id if its name went to another image."""

    def __init__(self, engine: Engine) -> None:
        self._images = engine.images
        self._ids: dict[str, str | None] = {}

    def of(self, container: Container) -> str:
        ref = container.image_ref
        if ref not in self._ids:
            try:
                self._ids[ref] = self._images.get(ref).id
            except BoxshipError:
                self._ids[ref] = None
        return ref if self._ids[ref] == container.image_id else container.image_id


async def sizes(engine: Engine, container: Container) -> dict[str, int]:
    """SizeRw, which is not shown when it is 0, and SizeRootFs."""
    own = await engine.usage(container)
    try:
        image = engine.images.get(container.image_id).size
    except BoxshipError:
        image = 0
    return {"SizeRw": own, "SizeRootFs": image + own} if own else {"SizeRootFs": image}
