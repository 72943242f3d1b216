"""Networks: list and inspect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.daemon import reply
from boxship.daemon.filters import Filters
from boxship.daemon.views import networks as views
from boxship.model.errors import Forbidden, Invalid, Unsupported

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.engine import Engine
    from boxship.daemon.request import Request
    from boxship.daemon.router import Route
    from boxship.network.values import Network

FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")
BUILT_IN = ("bridge", "host", "none")


class Networks:
    """What containers are attached to."""

    def __init__(self, engine: Engine) -> None:
        """Routes over one engine."""
        self._engine = engine

    async def index(self, request: Request) -> web.Response:
        """GET /networks."""
        filters = Filters.parse(request.text("filters"), FILTERS)
        dangling = filters.truth("dangling")
        return reply.json(
            [
                views.entry(network)
                for network in self._engine.networks.list()
                if _wanted(network, filters) and dangling in (None, _is_dangling(network))
            ]
        )

    async def inspect(self, request: Request) -> web.Response:
        """GET /networks/{id}."""
        verbose = request.text("verbose")
        if verbose and verbose.lower() not in ("0", "1", "t", "f", "true", "false"):
            why = f'strconv.ParseBool: parsing "{verbose}": invalid syntax'
            raise Invalid(f"invalid value for verbose: {verbose}: {why}")
        return reply.json(views.inspect(self._engine.networks.get(request.names["id"])))

    async def delete(self, request: Request) -> web.Response:
        """DELETE /networks/{id}: only those that users made can go, and nobody can make one yet."""
        network = self._engine.networks.get(request.names["id"])
        if network.name in BUILT_IN:
            raise Forbidden(f"{network.name} is a pre-defined network and cannot be removed")
        raise Unsupported("removing a network is not there yet")

    async def prune(self, request: Request) -> web.Response:
        """POST /networks/prune: those that users made and nobody is in; there are none yet."""
        Filters.parse(request.text("filters"), ("label", "label!", "until"))
        return reply.json({"NetworksDeleted": None})

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            ("GET", "/networks", self.index),
            ("GET", "/networks/", self.index),
            ("GET", "/networks/{id}", self.inspect),
            ("DELETE", "/networks/{id}", self.delete),
            ("POST", "/networks/prune", self.prune),
        ]


def _wanted(network: Network, filters: Filters) -> bool:
    kinds = filters.get("type")
    kind = "builtin" if network.name in BUILT_IN else "custom"
    return (
        filters.exact("driver", network.driver)
        and filters.exact("scope", network.scope)
        and filters.begins("id", network.id)
        and (filters.matches("name", network.name))
        and filters.labelled(network.labels)
        and (not kinds or kind in kinds)
    )


def _is_dangling(network: Network) -> bool:
    return network.name not in BUILT_IN and not network.containers
