"""What is not there yet: the rest of the API answers that it is not, never `page not found`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from boxship.daemon import reply
from boxship.model.errors import NotFound, Unavailable, Unsupported

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.daemon.request import Request
    from boxship.daemon.router import Route

NO_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again."
)
OF_MANAGERS = """
GET /swarm  POST /swarm/update  GET /swarm/unlockkey  POST /swarm/unlock
GET /nodes  GET /nodes/{id}  DELETE /nodes/{id}  POST /nodes/{id}/update
GET /services  POST /services/create  GET /services/{id}  DELETE /services/{id}
POST /services/{id}/update  GET /services/{id}/logs
GET /tasks  GET /tasks/{id}  GET /tasks/{id}/logs
GET /secrets  POST /secrets/create  GET /secrets/{id}  DELETE /secrets/{id}
POST /secrets/{id}/update
GET /configs  POST /configs/create  GET /configs/{id}  DELETE /configs/{id}
POST /configs/{id}/update
"""
NOT_YET = """
POST /swarm/init  POST /swarm/join
GET /containers/{id}/stats
HEAD /containers/{id}/archive  GET /containers/{id}/archive  PUT /containers/{id}/archive
GET /containers/{id}/checkpoints  POST /containers/{id}/checkpoints
DELETE /containers/{id}/checkpoints/{checkpoint}
POST /build  POST /build/cancel  POST /session  POST /grpc  POST /commit
POST /images/{name...}/push  GET /images/search  GET /images/get  GET /images/{name...}/get
POST /images/load  GET /distribution/{name...}/json
POST /networks/create
POST /networks/{id}/connect  POST /networks/{id}/disconnect
PUT /volumes/{name...}
GET /plugins/privileges  POST /plugins/pull  POST /plugins/create
"""
OF_A_PLUGIN = """
GET /plugins/{name...}/json  DELETE /plugins/{name...}  POST /plugins/{name...}/enable
POST /plugins/{name...}/disable  POST /plugins/{name...}/upgrade
POST /plugins/{name...}/push  POST /plugins/{name...}/set
"""


async def no_manager(_: Request) -> NoReturn:
    """What a manager of a swarm would answer."""
    raise Unavailable(NO_MANAGER)


async def not_in_swarm(_: Request) -> NoReturn:
    """POST /swarm/leave."""
    raise Unavailable("This node is not part of a swarm")


async def not_yet(request: Request) -> NoReturn:
    """A part of the API that is still to be written."""
    what = f"{request.http.method} {request.http.path}"
    raise Unsupported(f"{what} is not there yet: Boxship cannot do this in this version")


async def no_plugins(_: Request) -> web.Response:
    """GET /plugins."""
    return reply.json([])


async def no_build_cache(_: Request) -> web.Response:
    """POST /build/prune: there is nothing to take."""
    return reply.json({"CachesDeleted": None, "SpaceReclaimed": 0})


async def no_such_plugin(request: Request) -> NoReturn:
    """What is asked of a plugin: there are none.  `docker inspect NAME` asks for one at last."""
    raise NotFound(f'plugin "{request.names["name"]}" not found')


def routes() -> list[Route]:
    """All of it."""
    return [
        ("POST", "/swarm/leave", not_in_swarm),
        ("GET", "/plugins", no_plugins),
        ("POST", "/build/prune", no_build_cache),
        *[(method, path, no_manager) for method, path in _listed(OF_MANAGERS)],
        *[(method, path, no_such_plugin) for method, path in _listed(OF_A_PLUGIN)],
        *[(method, path, not_yet) for method, path in _listed(NOT_YET)],
    ]


def _listed(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))
