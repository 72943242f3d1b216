"""GET /system/df: how much disk is used by what."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from boxship.daemon import reply
from boxship.daemon.routes.containers import sizes
from boxship.daemon.views import containers, images
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route

KINDS = ("container", "image", "volume", "build-cache")


class Usage:
    """Disk usage."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine
        self._parts = engine.parts

    async def df(self, request: Request) -> web.Response:
        """GET /system/df."""
        kinds = request.texts("type") or list(KINDS)
        for kind in kinds:
            if kind not in KINDS:
                raise Invalid(f"unknown object type: {kind}")
        result: dict[str, Any] = {"LayersSize": 0}
        if "image" in kinds:
            result |= self._images(request)
        if "container" in kinds:
            result["Containers"] = await self._containers()
        if "volume" in kinds:
            result["Volumes"] = await self._volumes()
        if "build-cache" in kinds:
            result["BuildCache"] = []
        return reply.json(result)

    def _images(self, request: Request) -> dict[str, Any]:
        used: dict[str, int] = {}
        for container in self._engine.containers.list():
            used[container.image_id] = used.get(container.image_id, 0) + 1
        known = self._engine.images.list()
        shown = [images.entry(image, request.version, used.get(image.id, 0)) for image in known]
        layers = {image.top_layer: image.size for image in known}
        return {"LayersSize": sum(layers.values()), "Images": shown}

    async def _containers(self) -> list[dict[str, Any]]:
        now = time.time_ns()
        shown = []
        for container in self._engine.containers.list():
            entry = containers.entry(container, container.image_ref, now)
            entry |= await sizes(self._engine, container)
            shown.append(entry)
        return shown

    async def _volumes(self) -> list[dict[str, Any]]:
        used: dict[str, int] = {}
        for container in self._engine.containers.list():
            for mount in container.mounts:
                name = mount.get("Name") or ""
                used[name] = used.get(name, 0) + 1
        shown = []
        for volume in self._parts.volumes.list():
            size = await self._parts.in_thread(_size, volume["Mountpoint"])
            usage = {"RefCount": used.get(volume["Name"], 0), "Size": size}
            shown.append({**volume, "UsageData": usage})
        return shown

    def routes(self) -> list[Route]:
        """What is served here."""
        return [("GET", "/system/df", self.df)]


def _size(path: str) -> int:
    """The bytes of all files below `path`, each file once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:  # removed while we look
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
