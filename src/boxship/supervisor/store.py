"""Records that outlive the supervisor: namespaces and containers, in SQLite.

A write is in the kernel's hands when it is acknowledged, so kill -9 loses nothing; the slow part,
moving the write-ahead log into the database with fsync, is done by a worker thread now and then.
"""

import asyncio
import json
import os
import sqlite3
import uuid
from contextlib import closing

from boxship.api.containerd.containers_pb2 import Container
from boxship.model.errors import Conflict, NotFound
from boxship.supervisor.status import Exists

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS containers (
    namespace TEXT NOT NULL, id TEXT NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (namespace, id)
);
"""
CHECKPOINT_AFTER = 200  # writes; the log has then grown to a few megabytes


class Store:
    """One database, used from the loop's thread only."""

    def __init__(self, path: str) -> None:
        """Open or make the database at `path`."""
        self._path = path
        self._db = _open(path)
        self._db.executescript(SCHEMA)
        self._writes = 0
        self._checkpoint: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Bring everything into the database file."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def _write(self, sql: str, *values: object) -> int:
        changed = self._db.execute(sql, values).rowcount
        self._writes += 1
        if self._writes >= CHECKPOINT_AFTER and (
            self._checkpoint is None or self._checkpoint.done()
        ):
            self._writes = 0
            work = asyncio.to_thread(_checkpoint, self._path)
            self._checkpoint = asyncio.get_running_loop().create_task(work)
        return changed

    # Facts

    def uuid(self) -> str:
        """The name of this supervisor, the same after every start."""
        new = str(uuid.uuid4())
        self._db.execute("INSERT OR IGNORE INTO facts VALUES ('uuid', ?)", (new,))
        row = self._db.execute("SELECT value FROM facts WHERE name = 'uuid'").fetchone()
        return str(row[0])

    # Namespaces

    def namespaces(self) -> dict[str, dict[str, str]]:
        """Every namespace and its labels, by name."""
        rows = self._db.execute("SELECT name, labels FROM namespaces ORDER BY name")
        return {name: json.loads(labels) for name, labels in rows}

    def namespace_labels(self, name: str) -> dict[str, str] | None:
        """Its labels, or None when there is no such namespace."""
        row = self._db.execute("SELECT labels FROM namespaces WHERE name = ?", (name,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def create_namespace(self, name: str, labels: dict[str, str]) -> None:
        """A new namespace; Exists if there is one."""
        try:
            self._write("INSERT INTO namespaces VALUES (?, ?)", name, json.dumps(labels))
        except sqlite3.IntegrityError:
            raise Exists(f'namespace "{name}"') from None

    def set_namespace_labels(self, name: str, labels: dict[str, str]) -> None:
        """Replace its labels; the namespace comes to be if it is not there, as in containerd."""
        self._write("INSERT OR REPLACE INTO namespaces VALUES (?, ?)", name, json.dumps(labels))

    def delete_namespace(self, name: str) -> None:
        """Forget an empty namespace."""
        if self.namespace_labels(name) is None:
            raise NotFound(f'namespace "{name}"')
        if self.containers(name):
            raise Conflict(f'namespace "{name}" must be empty, but it still has containers')
        self._write("DELETE FROM namespaces WHERE name = ?", name)

    # Containers

    def container(self, namespace: str, container_id: str) -> Container:
        """One record."""
        row = self._db.execute(
            "SELECT record FROM containers WHERE namespace = ? AND id = ?",
            (namespace, container_id),
        ).fetchone()
        if row is None:
            raise NotFound(f'container "{container_id}" in namespace "{namespace}"')
        return Container.FromString(row[0])

    def containers(self, namespace: str) -> list[Container]:
        """Every record of a namespace, by id."""
        rows = self._db.execute(
            "SELECT record FROM containers WHERE namespace = ? ORDER BY id", (namespace,)
        )
        return [Container.FromString(record) for (record,) in rows]

    def create_container(self, namespace: str, container: Container) -> None:
        """A new record, and its namespace if that is new too."""
        self._db.execute("INSERT OR IGNORE INTO namespaces VALUES (?, '{}')", (namespace,))
        try:
            self._write(
                "INSERT INTO containers VALUES (?, ?, ?)",
                namespace,
                container.id,
                container.SerializeToString(),
            )
        except sqlite3.IntegrityError:
            raise Exists(f'container "{container.id}"') from None

    def replace_container(self, namespace: str, container: Container) -> None:
        """Write a record that changed."""
        self._write(
            "UPDATE containers SET record = ? WHERE namespace = ? AND id = ?",
            container.SerializeToString(),
            namespace,
            container.id,
        )

    def delete_container(self, namespace: str, container_id: str) -> None:
        """Forget a record."""
        sql = "DELETE FROM containers WHERE namespace = ? AND id = ?"
        if self._write(sql, namespace, container_id) == 0:
            raise NotFound(f'container "{container_id}" in namespace "{namespace}"')


def _open(path: str) -> sqlite3.Connection:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(descriptor)
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("PRAGMA cache_size = -512")
    return db


def _checkpoint(path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as db:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")
