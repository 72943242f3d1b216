"""Images: list, inspect, history, tag, delete, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.daemon import image_selection, reply
from boxship.daemon.filters import Filters
from boxship.daemon.http import carry_through
from boxship.daemon.image_verbs import ImageVerbs
from boxship.daemon.routes.prune import doomed
from boxship.daemon.views import images as views
from boxship.model.digest import chain_ids
from boxship.model.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route


class Images:
    """What is known of images, and their names."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine
        self._layers = engine.parts.layers
        self._verbs = ImageVerbs(engine.parts)

    async def index(self, request: Request) -> web.Response:
        """GET /images/json: the newest first."""
        filters = Filters.parse(request.text("filters"), image_selection.FILTERS)
        chosen = image_selection.select(self._engine.images, filters)
        return reply.json([views.entry(image, request.version) for image in chosen])

    async def inspect(self, request: Request) -> web.Response:
        """GET /images/{name}/json."""
        image = self._engine.images.get(request.names["name"])
        paths = self._layers.layer_data(image.top_layer) if image.top_layer else None
        return reply.json(views.inspect(image, paths, request.version))

    async def history(self, request: Request) -> web.Response:
        """GET /images/{name}/history."""
        image = self._engine.images.get(request.names["name"])
        sizes = [self._layers.get(chain).size for chain in chain_ids(image.layers)]
        return reply.json(views.history(image, sizes))

    async def tag(self, request: Request) -> web.Response:
        """POST /images/{name}/tag."""
        image = self._engine.images.get(request.names["name"])
        repository, tag = request.text("repo"), request.text("tag")
        if not repository:
            raise Invalid("invalid reference format: the new name is empty")
        target = f"{repository}:{tag}" if tag else repository
        await carry_through(self._verbs.tag(image.id, target))
        return reply.empty(201)

    async def delete(self, request: Request) -> web.Response:
        """DELETE /images/{name}."""
        work = self._verbs.remove(request.names["name"], force=request.flag("force"))
        return reply.json(await carry_through(work))

    async def prune(self, request: Request) -> web.Response:
        """POST /images/prune: those without a name; with `dangling=false` all that are not used."""
        filters = Filters.parse(request.text("filters"), ("dangling", "label", "label!", "until"))
        dangling = filters.truth("dangling")
        unnamed_only = dangling is None or dangling
        return reply.json(await carry_through(self._prune(filters, unnamed_only=unnamed_only)))

    async def _prune(self, filters: Filters, *, unnamed_only: bool) -> dict[str, Any]:
        used = {container.image_id for container in self._engine.containers.list()}
        deleted: list[dict[str, str]] = []
        freed = 0
        for image in self._engine.images.list():
            labels = (image.config.get("config") or {}).get("Labels") or {}
            born_ns = views.seconds(image.config.get("created")) * 1_000_000_000
            if image.id in used or not doomed(filters, labels, born_ns):
                continue
            if unnamed_only and image.repo_tags:
                continue
            try:
                deleted += await self._verbs.remove(image.id, force=True)
            except (Conflict, NotFound):  # used or removed by someone meanwhile
                continue
            freed += image.size
        return {"ImagesDeleted": deleted or None, "SpaceReclaimed": freed}

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("GET", "/images/json", self.index),
            ("POST", "/images/prune", self.prune),
            ("GET", "/images/{name...}/json", self.inspect),
            ("GET", "/images/{name...}/history", self.history),
            ("POST", "/images/{name...}/tag", self.tag),
            ("DELETE", "/images/{name...}", self.delete),
        ]
