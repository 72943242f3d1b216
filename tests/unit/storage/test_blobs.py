"""Blobs: named by what they are, whole or not there."""

from pathlib import Path

import pytest

from boxship.model.digest import Digest
from boxship.model.errors import Invalid, NotFound, System
from boxship.storage.blobs import BlobStore

WRONG = Digest("sha256:" + "0" * 64)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path))


def files(path: Path) -> list[str]:
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def test_a_blob_is_found_by_its_digest(blobs: BlobStore, tmp_path: Path) -> None:
    digest = blobs.put(b"hello")
    assert blobs.put(b"hello") == digest
    assert (blobs.read(digest), blobs.size(digest), list(blobs)) == (b"hello", 5, [digest])
    assert files(tmp_path) == [f"sha256/{digest.hex}"]
    blobs.delete(digest)
    blobs.delete(digest)
    assert not blobs.has(digest)
    with pytest.raises(NotFound):
        blobs.open(digest)


def test_what_does_not_match_leaves_nothing(blobs: BlobStore, tmp_path: Path) -> None:
    with blobs.writer(WRONG) as blob:
        blob.write(b"hello")
        with pytest.raises(System, match="does not match"):
            blob.commit()
    with blobs.writer(WRONG, 3) as blob, pytest.raises(System, match="more than the announced 3"):
        blob.write(b"hello")
    with blobs.writer(None, 9) as blob:
        blob.write(b"hello")
        with pytest.raises(System, match="not the announced"):
            blob.commit()
    with blobs.writer() as blob:
        blob.write(b"never committed")
    assert files(tmp_path) == []


def test_what_a_crash_left_goes_at_the_next_start(blobs: BlobStore, tmp_path: Path) -> None:
    writer = blobs.writer()
    writer.write(b"half")
    again = BlobStore(str(tmp_path))
    again.recover()
    assert files(tmp_path) == []
    writer.close()


def test_a_damaged_blob_is_not_served(blobs: BlobStore) -> None:
    digest = blobs.put(b"hello")
    Path(blobs.path(digest)).write_bytes(b"hellx")
    with pytest.raises(System, match="does not match"):
        blobs.read(digest)


def test_a_digest_is_no_path(blobs: BlobStore) -> None:
    with pytest.raises(Invalid):
        blobs.path("sha256:../../etc/passwd")
