"""Every route of the Engine API, in one list; of two that match the first one wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.daemon.routes import absent
from boxship.daemon.routes.containers import Containers
from boxship.daemon.routes.execs import Execs
from boxship.daemon.routes.images import Images
from boxship.daemon.routes.lifecycle import Lifecycle
from boxship.daemon.routes.networks import Networks
from boxship.daemon.routes.output import Output
from boxship.daemon.routes.pull import Pull
from boxship.daemon.routes.system import System
from boxship.daemon.routes.usage import Usage
from boxship.daemon.routes.volumes import Volumes

if TYPE_CHECKING:
    from boxship.daemon.engine import Engine
    from boxship.daemon.router import Route


def routes(engine: Engine) -> list[Route]:
    """The routes over one engine."""
    nouns = (
        System(engine),
        Containers(engine),
        Lifecycle(engine),
        Output(engine),
        Execs(engine),
        Pull(engine),
        Images(engine),
        Networks(engine),
        Volumes(engine),
        Usage(engine),
    )
    return [*(route for noun in nouns for route in noun.routes()), *absent.routes()]
