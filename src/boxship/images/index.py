"""What is known of images: one SQLite file, `images.db`; each change is one transaction."""

from dataclasses import dataclass
from sqlite3 import Connection

from boxship.model.digest import Digest
from boxship.model.reference import Reference
from boxship.storage.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY, parent TEXT NOT NULL, size INTEGER NOT NULL, tagged_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    repository TEXT NOT NULL, name TEXT NOT NULL,  -- a tag, or a digest
    image_id TEXT NOT NULL REFERENCES images(id), PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_image ON names(image_id);
CREATE TABLE IF NOT EXISTS manifests (
    digest TEXT NOT NULL, image_id TEXT NOT NULL, media_type TEXT NOT NULL,
    PRIMARY KEY (digest, image_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS manifests_image ON manifests(image_id);
-- Where the compressed form of a layer can be had again: what a push asks for before it compresses.
CREATE TABLE IF NOT EXISTS layer_sources (
    diff_id TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL,
    repository TEXT NOT NULL, PRIMARY KEY (diff_id, repository, digest)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class LayerSource:
    """A compressed layer in a repository, and the layer that it is."""

    diff_id: str
    digest: str
    size: int
    media_type: str
    repository: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is stored of an image beside its configuration."""

    id: str
    parent: str
    size: int
    tagged_at: str


@dataclass(frozen=True, slots=True)
class NewImage:
    """All that a new image adds: names, manifests by digest, and where its layers came from."""

    row: Row
    names: tuple[Reference, ...] = ()
    manifests: tuple[tuple[str, str], ...] = ()
    sources: tuple[LayerSource, ...] = ()


class ImageIndex:
    """The rows."""

    def __init__(self, path: str) -> None:
        """Open the index at `path`."""
        self._db = Database(path, _SCHEMA)

    def add(self, image: NewImage) -> bool:
        """Enter an image and its names; whether a name was new or moved to it."""
        row = image.row
        moved = False
        with self._db.change() as db:
            db.execute(
                "INSERT OR IGNORE INTO images VALUES (?, ?, ?, ?)",
                (row.id, row.parent, row.size, row.tagged_at),
            )
            for name in image.names:
                moved = _name(db, name, row) or moved
            db.executemany(
                "INSERT OR IGNORE INTO manifests VALUES (?, ?, ?)",
                [(digest, row.id, media_type) for digest, media_type in image.manifests],
            )
            db.executemany(
                "INSERT OR REPLACE INTO layer_sources VALUES (?, ?, ?, ?, ?)",
                [(s.diff_id, s.digest, s.size, s.media_type, s.repository) for s in image.sources],
            )
        return moved

    def name(self, reference: Reference, image_id: str, tagged_at: str) -> bool:
        """Let `reference` mean the image; whether it did not already."""
        with self._db.change() as db:
            return _name(db, reference, Row(image_id, "", 0, tagged_at))

    def unname(self, reference: Reference) -> None:
        """Let `reference` mean nothing."""
        with self._db.change() as db:
            db.execute("DELETE FROM names WHERE repository = ? AND name = ?", _key(reference))

    def named(self, reference: Reference) -> str | None:
        """The id of the image that `reference` means."""
        query = "SELECT image_id FROM names WHERE repository = ? AND name = ?"
        rows = self._db.rows(query, *_key(reference))
        return rows[0][0] if rows else None

    def find(self, image_id: str) -> Row | None:
        """The image of that id."""
        rows = self._db.rows("SELECT * FROM images WHERE id = ?", image_id)
        return Row(*rows[0]) if rows else None  # type: ignore[arg-type]

    def rows(self) -> list[Row]:
        """All images."""
        return [Row(*row) for row in self._db.rows("SELECT * FROM images")]  # type: ignore[arg-type]

    def ids_with_prefix(self, prefix: str) -> list[str]:
        """At most two ids that begin like that."""
        query = "SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2"
        return [row[0] for row in self._db.rows(query, prefix, prefix + "g")]

    def names_of(self, image_id: str) -> tuple[Reference, ...]:
        """What an image is called, in order."""
        query = "SELECT repository, name FROM names WHERE image_id = ? ORDER BY repository, name"
        return tuple(_reference(*row) for row in self._db.rows(query, image_id))

    def all_names(self) -> dict[str, list[Reference]]:
        """What each image is called."""
        found: dict[str, list[Reference]] = {}
        query = "SELECT image_id, repository, name FROM names ORDER BY repository, name"
        for image_id, repository, name in self._db.rows(query):
            found.setdefault(image_id, []).append(_reference(repository, name))
        return found

    def children(self, image_id: str) -> list[str]:
        """The images that were made from this one."""
        query = "SELECT id FROM images WHERE parent = ?"
        return [row[0] for row in self._db.rows(query, image_id)]

    def remove(self, image_id: str) -> list[str]:
        """Forget an image; the digests of manifests that no image needs any more."""
        with self._db.change() as db:
            db.execute("DELETE FROM names WHERE image_id = ?", (image_id,))
            db.execute("DELETE FROM images WHERE id = ?", (image_id,))
            query = "DELETE FROM manifests WHERE image_id = ? RETURNING digest"
            digests = [row[0] for row in db.execute(query, (image_id,))]
            query = "SELECT 1 FROM manifests WHERE digest = ?"
            return [d for d in digests if db.execute(query, (d,)).fetchone() is None]

    def manifests(self) -> set[str]:
        """The digest of each manifest that an image needs."""
        return {row[0] for row in self._db.rows("SELECT DISTINCT digest FROM manifests")}

    def sources(self, diff_id: str) -> list[LayerSource]:
        """Where a layer can be had in compressed form."""
        rows = self._db.rows("SELECT * FROM layer_sources WHERE diff_id = ?", diff_id)
        return [LayerSource(*row) for row in rows]  # type: ignore[arg-type]

    def forget_sources(self, diff_ids: list[str]) -> None:
        """The layers are gone."""
        with self._db.change() as db:
            query = "DELETE FROM layer_sources WHERE diff_id = ?"
            db.executemany(query, [(diff_id,) for diff_id in diff_ids])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _name(db: Connection, reference: Reference, row: Row) -> bool:
    query = "SELECT image_id FROM names WHERE repository = ? AND name = ?"
    known = db.execute(query, _key(reference)).fetchone()
    if known is not None and known[0] == row.id:
        return False
    db.execute("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", (*_key(reference), row.id))
    db.execute("UPDATE images SET tagged_at = ? WHERE id = ?", (row.tagged_at, row.id))
    return True


def _key(reference: Reference) -> tuple[str, str]:
    """A digest counts more than a tag: what a tag means may have changed."""
    return reference.name, str(reference.digest or reference.tag or "")


def _reference(repository: str, name: str) -> Reference:
    domain, _, path = repository.partition("/")
    if ":" in name:
        return Reference(domain, path, None, Digest(name))
    return Reference(domain, path, name)
