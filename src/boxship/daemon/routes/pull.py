"""POST /images/create: pull from a registry, or import a tree; and our bootstrap."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import TYPE_CHECKING

import aiohttp

from boxship.api.docker import auth
from boxship.api.docker.document import plain
from boxship.daemon.image_verbs import ImageVerbs
from boxship.daemon.routes.streams import Progress
from boxship.model.errors import Invalid, NotFound, Unsupported
from boxship.model.reference import Reference

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route
    from boxship.images.images import Image


class Pull:
    """Where images come from."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine
        self._verbs = ImageVerbs(engine.parts)

    async def create(self, request: Request) -> web.StreamResponse:
        """POST /images/create: `fromImage` is a pull, `fromSrc` an import."""
        if request.text("fromImage"):
            return await self._pull(request)
        if request.text("fromSrc"):
            return await self._import(request)
        raise Invalid("invalid reference format: neither fromImage nor fromSrc is given")

    async def bootstrap(self, request: Request) -> web.StreamResponse:
        """POST /images/bootstrap (ours): a base image out of the host's own packages."""
        kind = request.text("kind") or "busybox"
        progress = Progress(request)
        work = self._verbs.bootstrap(kind, request.text("t") or kind, progress.tell)
        return await progress.during(work, _status)

    async def _pull(self, request: Request) -> web.StreamResponse:
        reference, tag = request.text("fromImage"), request.text("tag")
        if tag:
            reference += f"@{tag}" if ":" in tag else f":{tag}"
        elif Reference.parse_bare(reference).is_bare:
            what = f"every tag of {reference} is asked for, which is not supported yet"
            raise Unsupported(what, hint="name a tag")
        known = auth.from_header(request.http.headers.get("X-Registry-Auth", ""))
        progress = Progress(request)
        work = self._verbs.pull(
            reference,
            request.text("platform") or None,
            plain(known) if known else None,
            progress.tell,
        )
        return await progress.during(work)

    async def _import(self, request: Request) -> web.StreamResponse:
        repository, tag = request.text("repo"), request.text("tag")
        reference = f"{repository}:{tag}" if repository and tag else repository or None
        source = request.text("fromSrc")
        progress = Progress(request)
        with tempfile.TemporaryFile(dir=self._engine.temporary_folder()) as spool:
            fd = spool.fileno()
            if source == "-":
                await _spool_body(request, fd)
            else:
                await _download(source, fd)
            spool.seek(0)
            about = request.text("message") or f"Imported from {source}", request.text("platform")
            work = self._verbs.import_(spool, reference, request.texts("changes"), about)
            return await progress.during(work, _status)

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("POST", "/images/create", self.create),
            ("POST", "/images/bootstrap", self.bootstrap),
        ]


def _status(image: Image) -> dict[str, str]:
    return {"status": image.id}


async def _spool_body(request: Request, fd: int) -> None:
    async for piece in request.http.content.iter_any():
        await asyncio.to_thread(_write_all, fd, piece)


async def _download(source: str, fd: int) -> None:
    """An import from a URL; the client's `docker import http://...`."""
    url = source if "://" in source else f"http://{source}"
    if not url.startswith(("http://", "https://")):
        raise Invalid(f"cannot import from {source}", hint="give a URL with http:// or https://")
    async with aiohttp.ClientSession(auto_decompress=False) as session, session.get(url) as answer:
        if answer.status >= 400:
            raise NotFound(f"cannot import from {url}: it answers {answer.status}")
        async for piece in answer.content.iter_any():
            await asyncio.to_thread(_write_all, fd, piece)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
