"""Our table in the kernel: what it shall hold, and the smallest change that gets it there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from boxship.network import rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.network.host import Host
    from boxship.network.values import Endpoint, Network

log = logging.getLogger(__name__)


class Firewall:
    """The table of one instance."""

    def __init__(self, host: Host, table: str) -> None:
        """Nothing is changed before `rebuild`."""
        self._host = host
        self._table = table
        self._networks: list[Network] = []
        self._endpoints: dict[str, Endpoint] = {}

    def rebuild(self, networks: Iterable[Network], endpoints: Iterable[Endpoint]) -> None:
        """Write the whole table in one transaction; connections that are open stay open."""
        self._networks = list(networks)
        self._endpoints = {endpoint.id: endpoint for endpoint in endpoints if endpoint.ports}
        self._write()

    def publish(self, endpoint: Endpoint) -> None:
        """Add the ports of an endpoint."""
        if endpoint.ports:
            self._endpoints[endpoint.id] = endpoint
            self._change(rules.publish(self._table, endpoint))

    def unpublish(self, endpoint: Endpoint) -> None:
        """Delete them; none there is fine."""
        if self._endpoints.pop(endpoint.id, None):
            self._change(rules.unpublish(self._table, endpoint))

    def delete(self) -> None:
        """Take the table away."""
        self._host.run(rules.delete_table(self._table))

    def _change(self, commands: str) -> None:
        try:
            self._host.run(commands)
        except OSError as error:
            # Somebody flushed or changed our table: what it shall hold is known, write all of it.
            log.warning(
                "table %s is not as we left it, it is written anew (%s)", self._table, error
            )
            self._write()

    def _write(self) -> None:
        self._host.run(rules.table(self._table, self._networks, self._endpoints.values()))
