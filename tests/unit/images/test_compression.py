"""Compressed archives: told apart, read in bounded pieces, refused when they are damaged."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
import zstandard

from boxship.images.compression import decompressed
from boxship.model.errors import Invalid
from boxship.storage.tarstream import Readable

DATA = b"".join(b"%d " % number for number in range(300_000))
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def read_all(stream: Readable) -> bytes:
    return b"".join(iter(lambda: stream.read(1 << 20), b""))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data", [DATA, b"x", b"\0" * (5 << 20)])
def test_what_was_compressed_is_read(form: str, data: bytes) -> None:
    assert read_all(decompressed(io.BytesIO(FORMS[form](data)))) == data


@pytest.mark.parametrize("form", ["gzip", "zstd", "xz", "bzip2"])
def test_members_behind_each_other_are_one(form: str) -> None:
    twice = FORMS[form](DATA) + FORMS[form](b"end")
    assert read_all(decompressed(io.BytesIO(twice))) == DATA + b"end"


def test_zeros_behind_the_last_member_are_padding() -> None:
    assert read_all(decompressed(io.BytesIO(gzip.compress(DATA) + bytes(700_000)))) == DATA


@pytest.mark.parametrize("form", ["gzip", "xz", "bzip2"])
def test_an_end_that_comes_too_early_is_refused(form: str) -> None:
    data = FORMS[form](DATA)
    with pytest.raises(Invalid, match="unexpected EOF"):
        read_all(decompressed(io.BytesIO(data[:-20])))


@pytest.mark.parametrize("form", ["gzip", "xz", "bzip2"])
def test_damage_is_refused(form: str) -> None:
    data = bytearray(FORMS[form](DATA))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(Invalid, match="damaged"):
        read_all(decompressed(io.BytesIO(bytes(data))))


@pytest.mark.parametrize("form", ["gzip", "zstd", "xz", "bzip2"])
def test_a_bomb_comes_in_bounded_pieces(form: str) -> None:
    stream = decompressed(io.BytesIO(FORMS[form](bytes(64 << 20))))
    assert all(len(piece) <= 1 << 20 for piece in iter(lambda: stream.read(1 << 30), b""))


def test_nothing_is_nothing() -> None:
    assert read_all(decompressed(io.BytesIO(b""))) == b""
