"""What is known of layers and of containers' uppers: one SQLite file, `layers.db`.

The index is the truth: a directory without a row is garbage, a row is written when its directory
is whole.  A layer lives as long as a holder, a child or an upper needs it.
"""

from dataclasses import dataclass
from sqlite3 import Connection

from boxship.model.errors import NotFound
from boxship.storage.database import Database

LEASE = "lease:"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS layers (
    chain_id TEXT PRIMARY KEY, diff_id TEXT NOT NULL, parent TEXT REFERENCES layers(chain_id),
    cache_id TEXT NOT NULL UNIQUE, link TEXT NOT NULL, size INTEGER NOT NULL,
    unsynced TEXT  -- the boot in which it was written, until it is known to be on the disk
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS layers_parent ON layers(parent);
CREATE TABLE IF NOT EXISTS holders (
    chain_id TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (holder, chain_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holders_chain ON holders(chain_id);
CREATE TABLE IF NOT EXISTS uppers (
    container_id TEXT PRIMARY KEY, cache_id TEXT NOT NULL UNIQUE, parent TEXT,
    link TEXT NOT NULL, init_link TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uppers_parent ON uppers(parent);
"""
_LAYER = "SELECT chain_id, diff_id, parent, cache_id, link, size FROM layers "
_UNUSED = f"""{_LAYER} AS l WHERE chain_id = ?
AND NOT EXISTS (SELECT 1 FROM holders WHERE chain_id = l.chain_id)
AND NOT EXISTS (SELECT 1 FROM layers WHERE parent = l.chain_id)
AND NOT EXISTS (SELECT 1 FROM uppers WHERE parent = l.chain_id)"""


@dataclass(frozen=True, slots=True)
class Layer:
    """A committed tree on top of `parent`; `size` is the bytes of its own files."""

    chain_id: str
    diff_id: str
    parent: str | None
    cache_id: str
    link: str
    size: int


@dataclass(frozen=True, slots=True)
class Upper:
    """The writable layer of a container; `init_link` names its init layer, if any."""

    container_id: str
    cache_id: str
    parent: str | None
    link: str
    init_link: str | None


class LayerIndex:
    """The rows, and who holds what."""

    def __init__(self, path: str) -> None:
        """Open the index at `path`."""
        self._db = Database(path, _SCHEMA)

    def find(self, chain_id: str) -> Layer | None:
        """The layer, if it is here."""
        rows = self._db.rows(_LAYER + "WHERE chain_id = ?", chain_id)
        return Layer(*rows[0]) if rows else None  # type: ignore[arg-type]

    def layers(self) -> list[Layer]:
        """All of them."""
        return [Layer(*row) for row in self._db.rows(_LAYER)]  # type: ignore[arg-type]

    def stack(self, chain_id: str | None) -> list[Layer]:
        """The layer and all below it, the uppermost first."""
        found: list[Layer] = []
        while chain_id is not None:
            layer = self.find(chain_id)
            if layer is None:
                raise NotFound(f"layer {chain_id} does not exist")
            found.append(layer)
            chain_id = layer.parent
        return found

    def add(self, layer: Layer, holder: str | None, boot: str) -> Layer:
        """Enter a whole layer; if another one of its name is here already, that one stays."""
        with self._db.change() as db:
            row = db.execute(_LAYER + "WHERE chain_id = ?", (layer.chain_id,)).fetchone()
            if row is None:
                _check_parent(db, layer.parent)
                db.execute(
                    "INSERT INTO layers VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(layer.chain_id, layer.diff_id, layer.parent, layer.cache_id),
                        *(layer.link, layer.size, boot),
                    ),
                )
            if holder is not None:
                db.execute("INSERT OR IGNORE INTO holders VALUES (?, ?)", (layer.chain_id, holder))
        return layer if row is None else Layer(*row)

    def retain(self, chain_id: str, holder: str) -> bool:
        """Let `holder` need the layer; False if it is not here."""
        with self._db.change() as db:
            known = db.execute("SELECT 1 FROM layers WHERE chain_id = ?", (chain_id,)).fetchone()
            if known:
                db.execute("INSERT OR IGNORE INTO holders VALUES (?, ?)", (chain_id, holder))
        return bool(known)

    def release(self, holder: str) -> list[Layer]:
        """Let `holder` need nothing any more; the layers that went with it."""
        with self._db.change() as db:
            query = "DELETE FROM holders WHERE holder = ? RETURNING chain_id"
            held = [row[0] for row in db.execute(query, (holder,))]
            return _collect(db, held)

    def holders(self, prefix: str) -> list[str]:
        """Who holds something, by the beginning of the name."""
        rows = self._db.rows(
            "SELECT DISTINCT holder FROM holders WHERE substr(holder, 1, ?) = ?",
            len(prefix),
            prefix,
        )
        return [row[0] for row in rows]

    def drop(self, chain_ids: set[str]) -> None:
        """Forget layers that are lost, and who held them."""
        with self._db.change() as db:
            for chain_id in chain_ids:
                db.execute("DELETE FROM layers WHERE chain_id = ?", (chain_id,))
                db.execute("DELETE FROM holders WHERE chain_id = ?", (chain_id,))

    def unsynced(self) -> dict[str, str]:
        """The layers that may not be on the disk yet, and the boot they were written in."""
        query = "SELECT chain_id, unsynced FROM layers WHERE unsynced IS NOT NULL"
        return {row[0]: row[1] for row in self._db.rows(query)}

    def mark_synced(self, chain_ids: list[str]) -> None:
        """They are on the disk."""
        with self._db.change() as db:
            for chain_id in chain_ids:
                db.execute("UPDATE layers SET unsynced = NULL WHERE chain_id = ?", (chain_id,))

    def add_upper(self, upper: Upper) -> None:
        """Enter a container's upper, which needs its parent from now on."""
        with self._db.change() as db:
            _check_parent(db, upper.parent)
            db.execute(
                "INSERT INTO uppers VALUES (?, ?, ?, ?, ?)",
                (
                    *(upper.container_id, upper.cache_id, upper.parent),
                    *(upper.link, upper.init_link),
                ),
            )

    def upper(self, container_id: str) -> Upper | None:
        """The upper of a container."""
        rows = self._db.rows("SELECT * FROM uppers WHERE container_id = ?", container_id)
        return Upper(*rows[0]) if rows else None

    def uppers(self) -> list[Upper]:
        """All of them."""
        return [Upper(*row) for row in self._db.rows("SELECT * FROM uppers")]

    def remove_upper(self, container_id: str) -> list[Layer]:
        """Forget a container's upper; the layers that went with it."""
        with self._db.change() as db:
            query = "DELETE FROM uppers WHERE container_id = ? RETURNING parent"
            return _collect(db, [row[0] for row in db.execute(query, (container_id,))])

    def collect(self) -> list[Layer]:
        """Forget every layer that nobody needs; which ones."""
        with self._db.change() as db:
            return _collect(db, [row[0] for row in db.execute("SELECT chain_id FROM layers")])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _check_parent(db: Connection, parent: str | None) -> None:
    query = "SELECT 1 FROM layers WHERE chain_id = ?"
    if parent is not None and db.execute(query, (parent,)).fetchone() is None:
        raise NotFound(f"layer {parent} does not exist")


def _collect(db: Connection, suspects: list[str | None]) -> list[Layer]:
    """Delete the rows of those that nobody needs, and so on below them."""
    gone: list[Layer] = []
    while suspects:
        row = db.execute(_UNUSED, (suspects.pop(),)).fetchone()
        if row is not None:
            layer = Layer(*row)
            db.execute("DELETE FROM layers WHERE chain_id = ?", (layer.chain_id,))
            gone.append(layer)
            suspects.append(layer.parent)
    return gone
