"""Volumes: list, create, inspect, delete, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.api.docker.document import plain
from boxship.api.docker.volume import VolumeCreateRequest
from boxship.daemon import reply
from boxship.daemon.filters import Filters
from boxship.daemon.http import carry_through
from boxship.daemon.routes.prune import doomed
from boxship.model.errors import Conflict

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route

FILTERS = ("dangling", "driver", "label", "name")


class Volumes:
    """Data that outlives containers; a volume is shown as the engine tells it."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine
        self._parts = engine.parts

    async def index(self, request: Request) -> web.Response:
        """GET /volumes."""
        filters = Filters.parse(request.text("filters"), FILTERS)
        dangling = filters.truth("dangling")
        used = self._used()
        chosen = [
            volume
            for volume in self._parts.volumes.list()
            if filters.exact("driver", volume["Driver"])
            and filters.matches("name", volume["Name"])
            and filters.labelled(volume["Labels"])
            and dangling in (None, volume["Name"] not in used)
        ]
        return reply.json({"Volumes": chosen, "Warnings": None})

    async def create(self, request: Request) -> web.Response:
        """POST /volumes/create."""
        asked = plain(await request.document(VolumeCreateRequest))
        known = {volume["Name"] for volume in self._parts.volumes.list()}
        made = self._parts.volumes.create(
            asked["Name"], asked["Driver"], asked["DriverOpts"], asked["Labels"]
        )
        if made["Name"] not in known:
            self._engine.events.publish("volume", "create", made["Name"], {"driver": "local"})
        return reply.json(made, 201)

    async def inspect(self, request: Request) -> web.Response:
        """GET /volumes/{name}."""
        return reply.json(self._parts.volumes.get(request.names["name"]))

    async def delete(self, request: Request) -> web.Response:
        """DELETE /volumes/{name}."""
        name = request.names["name"]
        users = self._used().get(name)
        if users:
            raise Conflict(f"remove {name}: volume is in use - [{', '.join(users)}]")
        await self._remove(name)
        return reply.empty()

    async def prune(self, request: Request) -> web.Response:
        """POST /volumes/prune: anonymous ones that nobody uses; with `all` those with names too."""
        filters = Filters.parse(request.text("filters"), ("all", "label", "label!"))
        everything = filters.truth("all") or request.version < (1, 42)
        used = self._used()
        deleted = []
        for volume in self._parts.volumes.list():
            labels: dict[str, Any] = volume["Labels"] or {}
            anonymous = "com.docker.volume.anonymous" in labels
            if volume["Name"] in used or not (anonymous or everything):
                continue
            if doomed(filters, labels, 0):
                await self._remove(volume["Name"])
                deleted.append(volume["Name"])
        return reply.json({"VolumesDeleted": deleted or None, "SpaceReclaimed": 0})

    async def _remove(self, name: str) -> None:
        await carry_through(self._parts.in_thread(self._parts.volumes.remove, name))
        self._engine.events.publish("volume", "destroy", name, {"driver": "local"})

    def _used(self) -> dict[str, list[str]]:
        """Name of a volume -> ids of the containers that have it."""
        used: dict[str, list[str]] = {}
        for container in self._engine.containers.list():
            for mount in container.mounts:
                if mount.get("Type") == "volume":
                    used.setdefault(mount["Name"], []).append(container.id)
        return used

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("GET", "/volumes", self.index),
            ("POST", "/volumes/create", self.create),
            ("POST", "/volumes/prune", self.prune),
            ("GET", "/volumes/{name...}", self.inspect),
            ("DELETE", "/volumes/{name...}", self.delete),
        ]
