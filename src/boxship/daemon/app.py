"""The daemon's API: every route over one engine, in one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.daemon.http import ApiServer
from boxship.daemon.routes.table import routes

if TYPE_CHECKING:
    from boxship.daemon.engine import Engine


def make_server(engine: Engine) -> ApiServer:
    """A server that listens nowhere yet."""
    return ApiServer(routes(engine))
