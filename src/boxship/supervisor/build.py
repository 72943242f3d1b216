"""The supervisor put together from its parts: this is the map of it."""

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.api.shim.server import TtrpcServer, events_handlers
from boxship.supervisor.exchange import Exchange
from boxship.supervisor.grpc import GrpcServer
from boxship.supervisor.recovery import Recovery
from boxship.supervisor.services.containers import Containers
from boxship.supervisor.services.events import Events
from boxship.supervisor.services.health import Health
from boxship.supervisor.services.introspection import Introspection
from boxship.supervisor.services.leases import Leases
from boxship.supervisor.services.namespaces import Namespaces
from boxship.supervisor.services.tasks import Tasks as TasksService
from boxship.supervisor.services.version import Version
from boxship.supervisor.shims.shims import Shims
from boxship.supervisor.shims.zygote import Zygote
from boxship.supervisor.store import Store
from boxship.supervisor.tasks import Tasks

if TYPE_CHECKING:
    from boxship.supervisor.config import Config

BACKLOG = 1024


class Supervisor:
    """Everything that is started and stopped together."""

    def __init__(self, config: "Config", zygote: Zygote, store: Store) -> None:
        """Nothing runs until `start`."""
        self._config = config
        self._zygote = zygote
        self._store = store
        exchange = Exchange()
        shims = Shims(config, zygote)
        self._tasks = Tasks(config.tasks, store, shims, exchange)
        self._recovery = Recovery(self._tasks, shims, exchange)
        self._events = TtrpcServer(events_handlers(self._tasks.take))
        self._grpc = GrpcServer(
            [
                Namespaces(store, exchange),
                Containers(store, self._tasks, exchange),
                TasksService(self._tasks),
                Events(exchange),
                Leases(),
                Introspection(config, store.uuid()),
                Version(),
                Health(),
            ]
        )

    async def start(self) -> None:
        """Zygote, then what was left from before; then serve.

        Shims that want to tell something may connect at once, but are heard only when their tasks
        are known: what recovery finds out and what they say would else be told twice.
        """
        self._zygote.start()
        events = _listen(self._config.events_address)
        await self._recovery.run()
        await self._events.start(events)
        await self._grpc.start(_listen(self._config.address))

    async def stop(self) -> None:
        """The other way round; shims stay."""
        self._tasks.stop()
        await self._grpc.close()
        await self._events.close()
        for path in (self._config.address, self._config.events_address):
            with suppress(FileNotFoundError):
                os.unlink(path)
        await self._zygote.close()
        self._store.close()


def build_supervisor(config: "Config") -> Supervisor:
    """Make the directories and open what is in them."""
    for directory in (config.root, config.state, config.tasks, os.path.dirname(config.address)):
        os.makedirs(directory, mode=0o711, exist_ok=True)
    return Supervisor(config, Zygote(), Store(os.path.join(config.root, "supervisor.db")))


def _listen(path: str) -> socket.socket:
    """Bind a socket that only root may use; one that a dead supervisor left is replaced."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.bind(path)
    os.chmod(path, 0o660)
    sock.listen(BACKLOG)
    return sock
