"""One SQLite file, used by several threads: a transaction at a time.

WAL without a sync for each commit: a process that is killed loses nothing, and after a crash of
the machine the file is as it was a moment before, which `recover` of its owner then makes good.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from boxship.model.errors import System

RESERVED_PAGES = 128


def reserve(connection: sqlite3.Connection) -> None:
    """Make room in a file and its log, so that what is there can change on a disk that is full.

    A container that fills the disk must still be able to end and to be removed.  The log is
    written over from its beginning after each checkpoint, and the file has free pages.
    """
    connection.execute(f"PRAGMA wal_autocheckpoint={RESERVED_PAGES * 3 // 4}").fetchall()
    with suppress(sqlite3.OperationalError):  # it is full already
        connection.execute("CREATE TABLE IF NOT EXISTS reserve (pages BLOB)")
        size = RESERVED_PAGES * 4096
        connection.execute("INSERT INTO reserve VALUES (zeroblob(?))", (size,))
        connection.execute("DELETE FROM reserve")
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


class Database:
    """A connection and its lock."""

    def __init__(self, path: str, schema: str) -> None:
        """Open `path` and make what `schema` says is missing."""
        self._path = path
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(schema)
        reserve(self._connection)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is done inside."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise System(f"{self._path}: {error}") from error
                raise

    def rows(self, query: str, *values: object) -> list[tuple[str, ...]]:
        """All rows of `query`."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
