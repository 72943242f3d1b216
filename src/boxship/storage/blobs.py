"""Bytes by digest, one file each: `blobs/sha256/<hex>`.

A blob is written beside its place, verified, fsynced and renamed: what has a name is whole, even
after a crash.  What a crash left half written has no name and goes at the next start.
"""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from boxship.model.digest import Digest
from boxship.model.errors import NotFound, System
from boxship.storage import trees


class BlobWriter:
    """One blob on its way in: `write`, then `commit`; without that nothing is kept."""

    def __init__(self, store: "BlobStore", expected: Digest | None, size: int | None) -> None:
        """Begin a file beside the blobs."""
        self._store = store
        self._expected = expected
        self._size = size
        self._written = 0
        self._path = os.path.join(store.incoming, uuid.uuid4().hex)
        self._file: BinaryIO | None = open(self._path, "xb", buffering=0)  # noqa: SIM115
        self._hash = hashlib.new(expected.algorithm if expected else "sha256")

    def write(self, data: bytes) -> None:
        """Add `data`; more than was announced is refused at once."""
        self._written += len(data)
        if self._size is not None and self._written > self._size:
            raise System(f"{self._expected or 'blob'}: more than the announced {self._size} bytes")
        self._hash.update(data)
        if self._file is not None:
            self._file.write(data)

    def commit(self) -> Digest:
        """Verify, make durable, and give it its name."""
        found = Digest(f"{self._hash.name}:{self._hash.hexdigest()}")
        if self._expected is not None and found != self._expected:
            raise System(f"content does not match its digest {self._expected}: it is {found}")
        if self._size is not None and self._written != self._size:
            raise System(f"{found}: {self._written} bytes, not the announced {self._size}")
        if self._file is not None:
            os.fsync(self._file.fileno())
            self.close()
        self._store.adopt(self._path, found)
        return found

    def close(self) -> None:
        """Stop writing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)


class BlobStore:
    """All blobs below one directory."""

    def __init__(self, root: str) -> None:
        """Use `root`, made if it is missing."""
        self._root = str(root)
        self.incoming = os.path.join(self._root, "incoming")
        os.makedirs(self.incoming, mode=0o700, exist_ok=True)

    def path(self, digest: str) -> str:
        """Where the blob is, or would be."""
        checked = Digest.parse(digest)
        return os.path.join(self._root, checked.algorithm, checked.hex)

    def has(self, digest: str) -> bool:
        """Whether it is here."""
        return os.path.exists(self.path(digest))

    def size(self, digest: str) -> int:
        """How many bytes it has."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            raise _missing(digest) from None

    def open(self, digest: str) -> BinaryIO:
        """The blob as a file to read."""
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError:
            raise _missing(digest) from None

    def read(self, digest: str) -> bytes:
        """The whole blob, verified."""
        with self.open(digest) as blob:
            return Digest.parse(digest).verified(blob.read())

    def writer(self, expected: Digest | None = None, size: int | None = None) -> BlobWriter:
        """A new blob, to be used in a `with`."""
        return BlobWriter(self, expected, size)

    def put(self, data: bytes) -> Digest:
        """Keep `data`."""
        digest = Digest.of(data)
        if not self.has(digest):
            with self.writer(digest, len(data)) as blob:
                blob.write(data)
                blob.commit()
        return digest

    def delete(self, digest: str) -> None:
        """Remove it; it is fine if it is gone already."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(digest))

    def adopt(self, path: str, digest: Digest) -> None:
        """Give a whole file of ours its name."""
        folder = os.path.join(self._root, digest.algorithm)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.rename(path, os.path.join(folder, digest.hex))

    def recover(self) -> None:
        """Remove what was never finished."""
        for name in os.listdir(self.incoming):
            trees.remove_tree(os.path.join(self.incoming, name))

    def __iter__(self) -> Iterator[Digest]:
        """The digest of each blob."""
        for algorithm in sorted(os.listdir(self._root)):
            if algorithm != "incoming":
                for name in sorted(os.listdir(os.path.join(self._root, algorithm))):
                    yield Digest(f"{algorithm}:{name}")


def _missing(digest: str) -> NotFound:
    return NotFound(f"blob {digest} is not here")
