"""Archives read from front to back: helper entries, sparse maps, ends that come too early."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from boxship.model.errors import Invalid
from boxship.storage.limits import Limits
from boxship.storage.tarstream import TarStream
from suites.archives import archive, entry


class Trickle:
    """A stream that gives little at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._file = io.BytesIO(data)
        self._step = step

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._step))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("step", [1, 511, 512, 4096])
def test_long_names_and_data_are_read_whatever_the_pieces(
    tmp_path: Path, form: int, step: int
) -> None:
    long, data = "d/" * 200 + "f", os.urandom(3000)
    stream = TarStream(Trickle(archive(entry(long, data), entry("g", b"x"), form=form), step))
    first = stream.entry()
    assert first is not None
    assert first.name.decode() == long
    with (tmp_path / "out").open("wb") as file:
        stream.copy(file.fileno(), 1000)
    assert (tmp_path / "out").read_bytes() == data[:1000]
    second = stream.entry()
    assert second is not None
    assert second.name == b"g"
    assert stream.entry() is None


@pytest.mark.parametrize("cut", [100, 512, 700, 1023])
def test_an_archive_that_ends_too_early_is_refused(cut: int, tmp_path: Path) -> None:
    stream = TarStream(io.BytesIO(archive(entry("f", b"x" * 600))[:cut]))
    with (tmp_path / "out").open("wb") as file, pytest.raises(Invalid, match="unexpected EOF"):
        copy_all(stream, file.fileno())


def copy_all(stream: TarStream, fd: int) -> None:
    while (header := stream.entry()) is not None:
        stream.copy(fd, header.data)


def test_an_empty_stream_is_an_empty_archive() -> None:
    assert TarStream(io.BytesIO(b"")).entry() is None
    assert TarStream(io.BytesIO(bytes(1024))).entry() is None


def test_attributes_are_bounded() -> None:
    data = archive(entry("n" * 5000, b""))
    with pytest.raises(Invalid, match="bytes of attributes"):
        TarStream(io.BytesIO(data), Limits(records=4096)).entry()


def test_more_data_than_there_is_cannot_be_copied(tmp_path: Path) -> None:
    stream = TarStream(io.BytesIO(archive(entry("f", b"x" * 10))))
    stream.entry()
    with (tmp_path / "out").open("wb") as file, pytest.raises(Invalid):
        stream.copy(file.fileno(), 11)
