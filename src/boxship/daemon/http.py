"""The HTTP server of the Engine API: listeners, versions, and a handler for each request.

One function stands between aiohttp and the routes; there are no middlewares.  A client that goes
away cancels its handler; what must not be half done is carried through (carry_through).
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TYPE_CHECKING, TypeVar, cast

from aiohttp.http_exceptions import HttpProcessingError

from boxship.api.docker import version as api
from boxship.daemon import listeners, reply
from boxship.daemon.connection import Connections
from boxship.daemon.request import Request
from boxship.daemon.router import Route, Router, split_version

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine

    from aiohttp import web

    from boxship.daemon.connection import Connection

log = logging.getLogger(__name__)
wire_log = logging.getLogger(f"{__name__}.wire")
wire_log.addFilter(lambda record: not _is_nonsense(record))

T = TypeVar("T")

MAX_LINE = 64 << 10  # filters stand in the query
MAX_FIELD = 256 << 10  # so does the authority for many registries, in one header


class ApiServer:
    """Serves routes on any number of sockets."""

    def __init__(self, routes: list[Route], oldest: str = api.MIN_API_VERSION) -> None:
        """`oldest` is the API version below which clients are refused."""
        self._router = Router(routes)
        self._oldest_text = oldest
        self._oldest = api.parse(oldest)
        self._servers: list[asyncio.Server] = []
        self._http: web.Server | None = None

    async def listen(
        self, hosts: list[str], group: str = "docker", tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve on each of `hosts`: unix:///path or tcp://address:port; with `tls`, TCP has TLS."""
        if self._http is None:
            self._http = Connections(
                self._handle,
                handler_cancellation=True,
                access_log=None,
                auto_decompress=False,
                max_line_size=MAX_LINE,
                max_field_size=MAX_FIELD,
                logger=wire_log,
            )
        for host in hosts:
            self._servers.append(await listeners.open_host(host, self._http, group, tls))

    async def stop(self, grace_s: float = 1.0) -> None:
        """Take no more requests; those that run have `grace_s` seconds, then are cancelled."""
        for server in self._servers:
            server.close()
        if self._http is not None:
            self._http.pre_shutdown()
            await self._http.shutdown(grace_s)
        self._servers.clear()

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        response = await self._answer(http)
        if cast("Connection", http.protocol).deaf:  # an error, where a client hoped for an upgrade
            response.force_close()
        return response

    async def _answer(self, http: web.BaseRequest) -> web.StreamResponse:
        text, path = split_version(http.path)
        found = self._router.find(http.method, path)
        if found is None:
            return reply.empty(200) if http.method == "OPTIONS" else reply.page_not_found()
        version = api.LATEST
        if text is not None:
            version = api.parse(text)
            if not self._oldest <= version <= api.LATEST:
                return self._refused(text)
        handler, names = found
        try:
            return await handler(Request(http, version, names))
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - the border: every failure becomes an answer
            return reply.failure(error, f"{http.method} {http.path}")

    def _refused(self, text: str) -> web.Response:
        version = api.parse(text)
        if version > api.LATEST:
            return reply.json({"message": api.too_new(text)}, 400)
        message = api.too_old(text, self._oldest_text)
        if version < api.OLDEST:  # clients that old do not understand JSON errors
            return reply.text(message + "\n", 400)
        return reply.json({"message": message}, 400)


def _is_nonsense(record: logging.LogRecord) -> bool:
    """Whether a record only tells that a client did not speak HTTP: that is its own fault."""
    return bool(record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


async def carry_through(work: Coroutine[object, object, T]) -> T:
    """Do all of `work`, also when the client goes away in the middle of it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(
            functools.partial(_note, name=getattr(work, "__qualname__", "the request"))
        )
        raise


def _note(task: asyncio.Task[object], name: str) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.info("%s failed after its client had gone: %s", name, task.exception())
