"""Compressed archives, told by their first bytes: gzip, zstd, xz, bzip2, or plain.

Output comes in bounded pieces, whatever the ratio: a small file cannot fill the memory.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO, Protocol

import zstandard

from boxship.model.errors import Invalid
from boxship.storage.tarstream import Readable

fast_zlib: Any = zlib
with suppress(ImportError):
    fast_zlib = import_module("isal.isal_zlib")  # twice as fast, where it is installed

_INPUT = 256 << 10
_OUTPUT = 1 << 20
_MAX_WINDOW = 128 << 20
_MAX_MEMORY = 256 << 20

_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
_XZ = b"\xfd7zXZ\x00"
_BZIP2 = b"BZh"
_ERRORS: tuple[type[Exception], ...] = (zlib.error, lzma.LZMAError, OSError, EOFError)
_ERRORS += (fast_zlib.error,)


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, size: int, /) -> bytes: ...


class _Gzip:
    """zlib's decoder with the manners of the other two: it keeps what it has not used yet."""

    def __init__(self) -> None:
        self._decoder = fast_zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data)

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    def decompress(self, data: bytes, size: int) -> bytes:
        return bytes(self._decoder.decompress(self._decoder.unconsumed_tail + data, size))


class _Members:
    """A stream of one compressed member after another, as one."""

    def __init__(self, source: Readable, head: bytes, new: Callable[[], _Decoder]) -> None:
        self._source = source
        self._input = head
        self._new = new
        self._decoder: _Decoder | None = new()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        while self._decoder is not None:
            data, self._input = self._input, b""
            hungry = not data and self._decoder.needs_input
            if hungry:
                data = self._source.read(_INPUT)
            try:
                piece = self._decoder.decompress(data, min(size, _OUTPUT))
            except _ERRORS as error:
                raise Invalid(f"the compressed data is damaged: {error}") from error
            if self._decoder.eof:
                self._next_member(self._decoder.unused_data)
            elif hungry and not piece and not data:
                raise Invalid("unexpected EOF")
            if piece:
                return piece
        return b""

    def _next_member(self, rest: bytes) -> None:
        """Another member may follow; zeros may, as padding; then it is the end."""
        while True:
            rest = rest.lstrip(b"\0")
            if rest:
                break
            rest = self._source.read(_INPUT)
            if not rest:
                self._decoder = None
                return
        self._input = rest
        self._decoder = self._new()


class _Zstd:
    def __init__(self, source: BinaryIO) -> None:
        decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        self._reader = decoder.stream_reader(source, read_size=_INPUT, read_across_frames=True)

    def read(self, size: int, /) -> bytes:
        try:
            return self._reader.read(min(size, _OUTPUT))
        except zstandard.ZstdError as error:
            raise Invalid(f"the compressed data is damaged: {error}") from error


class _Joined:
    """Bytes that were read too early, then the rest."""

    def __init__(self, head: bytes, source: Readable) -> None:
        self._head = head
        self._source = source

    def read(self, size: int = _INPUT, /) -> bytes:
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._source.read(size)


def decompressed(source: Readable) -> Readable:
    """The bytes of `source`, decompressed if they are compressed."""
    head = b""
    while len(head) < len(_XZ):
        piece = source.read(_INPUT)
        if not piece:
            break
        head += piece
    if head.startswith(_GZIP):
        return _Members(source, head, _Gzip)
    if head.startswith(_XZ):
        return _Members(source, head, _new_xz)
    if head.startswith(_BZIP2):
        return _Members(source, head, bz2.BZ2Decompressor)
    joined = _Joined(head, source)
    return _Zstd(joined) if head.startswith(_ZSTD) else joined  # type: ignore[arg-type]


def _new_xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_MEMORY)
