"""Networks: the face that the daemon sees.  Changes run one after another on one worker thread.

One thread, because libnftables has no locks and a thread's namespace is its own.  What is known
is read at once (`list`, `get`); what changes something is awaited.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from boxship.network.core import Core
from boxship.network.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from boxship.network.values import Attachment, AttachRequest, Network, NetworkConfig

SWEEP_S = 2.0  # long after the kernel took the links of dropped namespaces away

P = ParamSpec("P")
T = TypeVar("T")


class Networks:
    """The networks of one instance."""

    def __init__(self, data_root: Path, exec_root: Path, config: NetworkConfig) -> None:
        """Nothing is touched before `start`."""
        self._core = Core(data_root, exec_root, config)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._relays: dict[str, list[Relay]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, live: Collection[str]) -> None:
        """Bridges, rules and ports as they shall be; `live`: ids of containers or sandboxes."""
        await self.run(self._core.start, set(live))
        for endpoint in self._core.catalogue.endpoints():
            self._relay(endpoint.container_id, endpoint.ip)

    async def stop(self, *, remove: bool = False) -> None:
        """Containers that run keep their network; with `remove`, if none does, all goes."""
        for container_id in list(self._relays):
            self._end_relays(container_id)
        if self._sweep is not None:
            self._sweep.cancel()
        await self.run(lambda: self._core.stop(remove=remove))
        self._worker.shutdown()

    async def attach(self, request: AttachRequest) -> Attachment:
        """Attach a container to a network; all or nothing, also if the caller is cancelled."""
        self._end_relays(request.container_id)
        task = asyncio.ensure_future(self.run(self._core.attach, request))
        try:
            attachment = await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.shield(self.detach(request.container_id))  # queued behind the attach
            await asyncio.gather(task, return_exceptions=True)
            raise
        self._relay(request.container_id, attachment.ip)
        return attachment

    async def detach(self, container_id: str) -> None:
        """Take away all that a container has; nothing is fine."""
        self._end_relays(container_id)
        await self.run(self._core.detach, container_id)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._start_sweep)

    async def rename(self, container_id: str, name: str) -> None:
        """A container has a new name, under which networks show it; not attached is fine."""
        await self.run(self._core.rename, container_id, name)

    def list(self) -> list[Network]:
        """Every network with its containers."""
        catalogue = self._core.catalogue
        return [catalogue.inspected(network) for network in catalogue.networks()]

    def get(self, reference: str) -> Network:
        """A network by id, name or the beginning of its id, with its containers."""
        catalogue = self._core.catalogue
        return catalogue.inspected(catalogue.network(reference))

    def attachment(self, container_id: str) -> Attachment:
        """What a container has got, also if that was before a restart; or NotFound."""
        return self._core.attachment(container_id)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something blocking on the worker, after all that was asked before."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, lambda: work(*args, **kwargs))

    def _start_sweep(self) -> None:
        self._sweep = None
        self._worker.submit(self._core.sweep)

    def _relay(self, container_id: str, container_ip: str) -> None:
        reservations = self._core.reservations(container_id)
        if reservations:
            relays = [Relay(reservation, container_ip) for reservation in reservations]
            self._relays[container_id] = relays

    def _end_relays(self, container_id: str) -> None:
        for relay in self._relays.pop(container_id, ()):
            relay.close()
