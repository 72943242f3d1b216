"""What is stored of networks: rows in network.db.  An address is a row before anybody has it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from boxship.network.values import Endpoint, Network, Published, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

_RESERVED_PAGES = 128
_SCHEMA = """
CREATE TABLE IF NOT EXISTS networks (id TEXT PRIMARY KEY, name TEXT UNIQUE, document TEXT);
CREATE TABLE IF NOT EXISTS sandboxes (id TEXT PRIMARY KEY, container_id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS endpoints (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES networks (id),
    container_id TEXT NOT NULL,
    ip TEXT,
    document TEXT NOT NULL,
    UNIQUE (network_id, ip),
    UNIQUE (network_id, container_id)
);
"""


class Store:
    """The rows; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.  A commit survives the death of the process, not of the host.

        That is enough: containers die with the host as well, and WAL keeps the file whole.
        """
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._reserve()

    def _reserve(self) -> None:
        """Make room, so that addresses can be given back on a disk that is full.

        The log is written over after each checkpoint, and the file has free pages.
        """
        self._db.execute(f"PRAGMA wal_autocheckpoint={_RESERVED_PAGES * 3 // 4}").fetchall()
        with suppress(sqlite3.OperationalError):  # it is full already
            self._db.execute("CREATE TABLE IF NOT EXISTS reserve (pages BLOB)")
            self._db.execute(f"INSERT INTO reserve VALUES (zeroblob({_RESERVED_PAGES * 4096}))")
            self._db.execute("DELETE FROM reserve")
            self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def networks(self) -> list[Network]:
        """Every network, in the order of their making."""
        rows = self._db.execute("SELECT document FROM networks ORDER BY rowid").fetchall()
        return [Network(**_known(Network, json.loads(document))) for (document,) in rows]

    def save_network(self, network: Network) -> None:
        """Add a network or write it anew."""
        document = asdict(network)
        del document["containers"]
        self._db.execute(
            "INSERT INTO networks VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document",
            (network.id, network.name, json.dumps(document)),
        )

    def sandboxes(self) -> list[Sandbox]:
        """Every sandbox."""
        rows = self._db.execute("SELECT id, container_id FROM sandboxes").fetchall()
        return [Sandbox(*row) for row in rows]

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, in the order of their making."""
        rows = self._db.execute("SELECT document FROM endpoints ORDER BY rowid").fetchall()
        return [_endpoint(json.loads(document)) for (document,) in rows]

    def add(self, sandbox: Sandbox | None, endpoint: Endpoint) -> None:
        """An endpoint and its sandbox, both or neither."""
        document = json.dumps(asdict(endpoint))
        row = (endpoint.id, endpoint.network_id, endpoint.container_id, endpoint.ip or None)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if sandbox:
                values = (sandbox.id, sandbox.container_id)
                self._db.execute("INSERT INTO sandboxes VALUES (?, ?)", values)
            self._db.execute("INSERT INTO endpoints VALUES (?, ?, ?, ?, ?)", (*row, document))
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rename(self, container_id: str, name: str) -> None:
        """Give the endpoints of a container its new name."""
        self._db.execute(
            "UPDATE endpoints SET document = json_set(document, '$.name', ?)"
            " WHERE container_id = ?",
            (name, container_id),
        )

    def forget(self, container_id: str) -> None:
        """Everything of a container; nothing there is fine."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM endpoints WHERE container_id = ?", (container_id,))
        self._db.execute("DELETE FROM sandboxes WHERE container_id = ?", (container_id,))
        self._db.execute("COMMIT")


def _endpoint(document: dict[str, Any]) -> Endpoint:
    ports = tuple(Published(**_known(Published, port)) for port in document.pop("ports"))
    return Endpoint(**_known(Endpoint, document), ports=ports)


def _known(kind: type, document: dict[str, Any]) -> dict[str, Any]:
    """The fields that this release knows: a newer one may have written more."""
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in document.items() if name in names}
