"""Records of containers in SQLite (<data-root>/daemon.db): one small write for each move.

Writes are a few dozen microseconds (write-ahead log, no fsync but at checkpoints), so they are
made where the move is made.  What was written survives the end of the daemon at any moment.
"""

from __future__ import annotations

import json
import sqlite3

from boxship.daemon.container import Record, State
from boxship.storage.database import reserve

_SCHEMA = """
CREATE TABLE IF NOT EXISTS containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    state TEXT NOT NULL,
    network TEXT NOT NULL DEFAULT '{}',
    ready INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engine (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Records:
    """The table of containers; `ready` tells a whole one from one half made."""

    def __init__(self, path: str) -> None:
        """Open or make the database."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        reserve(self._db)

    def close(self) -> None:
        """Close the database; everything is written already."""
        self._db.close()

    def claim(self, record: Record, state: State) -> None:
        """Write that a container with things outside its own folders is being made."""
        self._insert(record, state, ready=False)

    def ready(self, record: Record, state: State) -> None:
        """Write that the container is whole."""
        self._insert(record, state, ready=True)

    def _insert(self, record: Record, state: State, *, ready: bool) -> None:
        documents = json.dumps(record.document()), json.dumps(state.document())
        self._db.execute(
            "INSERT OR REPLACE INTO containers (id, name, record, state, ready) "
            "VALUES (?, ?, ?, ?, ?)",
            (record.id, record.name, *documents, ready),
        )

    def rename(self, record: Record) -> None:
        """Write a new name."""
        self._db.execute(
            "UPDATE containers SET name = ?, record = ? WHERE id = ?",
            (record.name, json.dumps(record.document()), record.id),
        )

    def save(self, container_id: str, state: State) -> None:
        """Write a state after a move."""
        self._db.execute(
            "UPDATE containers SET state = ? WHERE id = ?",
            (json.dumps(state.document()), container_id),
        )

    def save_all(self, container_id: str, state: State, network: dict[str, object]) -> None:
        """Write a state, and where the container is attached."""
        self._db.execute(
            "UPDATE containers SET state = ?, network = ? WHERE id = ?",
            (json.dumps(state.document()), json.dumps(network), container_id),
        )

    def delete(self, container_id: str) -> None:
        """Forget a container."""
        self._db.execute("DELETE FROM containers WHERE id = ?", (container_id,))

    def load(self) -> list[tuple[Record, State, dict[str, object], bool]]:
        """Every container: record, state, network, and whether it is whole."""
        rows = self._db.execute("SELECT record, state, network, ready FROM containers")
        return [
            (Record(**json.loads(r)), State(**json.loads(s)), json.loads(n), bool(ready))
            for r, s, n, ready in rows
        ]

    def remember(self, key: str, value: str) -> str:
        """The value of `key`; the first one that was ever given."""
        self._db.execute("INSERT OR IGNORE INTO engine VALUES (?, ?)", (key, value))
        row = self._db.execute("SELECT value FROM engine WHERE key = ?", (key,)).fetchone()
        return str(row[0])
