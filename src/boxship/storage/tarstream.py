"""A tar archive read once, from front to back: whole headers, then their data.

Names and attributes may stand in helper entries in front of the entry that they are of (pax `x`,
GNU `L` and `K`); `entry()` gives the sum.  Nothing is held in memory but one chunk and one header.
"""

import os
from typing import Protocol

from boxship.model.errors import Invalid
from boxship.storage import limits as bounds
from boxship.wire import tar

CHUNK = 1 << 20


class Readable(Protocol):
    """Where bytes come from: a file, a pipe, a decompressor."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class TarStream:
    """The entries of one archive, in order."""

    def __init__(self, stream: Readable, limits: bounds.Limits = bounds.DEFAULT) -> None:
        """Read from `stream`; nothing is read yet."""
        self._stream = stream
        self._limits = limits
        self._chunk = b""
        self._at = 0
        self._data = 0  # of the present entry, still in the stream
        self._padding = 0

    def entry(self) -> tar.Header | None:
        """The next entry, or None at the end of the archive."""
        records: dict[bytes, bytes] = {}
        names: dict[bytes, bytes] = {}
        while True:
            header = self._header()
            if header is None:
                return None
            kind = header.kind
            if kind == tar.PAX:
                records = tar.parse_records(self._small(header))
            elif kind in {tar.GNU_NAME, tar.GNU_LINK}:
                names[kind] = self._small(header).partition(b"\0")[0]
            elif kind != tar.PAX_GLOBAL:
                if records or names or kind == tar.GNU_SPARSE:
                    self._complete(header, records, names)
                return header

    def _header(self) -> tar.Header | None:
        self.skip()
        block = self._take(tar.BLOCK)
        if len(block) < tar.BLOCK:
            if block:
                raise Invalid("unexpected EOF")
            return None
        if block == tar.ZERO:
            return None
        header = tar.parse_header(block)
        if header.kind == tar.GNU_SPARSE:
            self._gnu_sparse(header, block)
        self._data = header.data
        self._padding = -header.data % tar.BLOCK
        return header

    def _complete(
        self, header: tar.Header, records: dict[bytes, bytes], names: dict[bytes, bytes]
    ) -> None:
        header.name = names.get(tar.GNU_NAME, header.name)
        header.link = names.get(tar.GNU_LINK, header.link)
        if records:
            tar.apply_records(header, records)
            self._data, self._padding = header.data, -header.data % tar.BLOCK
            try:
                map_in_data = tar.pax_sparse(header, records)
            except ValueError:
                raise Invalid("archive/tar: invalid tar header") from None
            if map_in_data:
                self._pax_sparse_map(header)
        if header.sparse is not None:
            tar.check_sparse(header)

    def _gnu_sparse(self, header: tar.Header, block: bytes) -> None:
        header.sparse, header.size, more = tar.gnu_sparse_map(block)
        while more:
            self._data = 0
            pieces, more = tar.gnu_sparse_more(self._exactly(tar.BLOCK))
            header.sparse += pieces
            self._bound(len(header.sparse), self._limits.sparse_pieces, "pieces")

    def _pax_sparse_map(self, header: tar.Header) -> None:
        """The map of form 1.0: decimal lines in whole blocks, in front of the data."""
        text = b""
        wanted = 1
        while text.count(b"\n") < wanted:
            self._bound(len(text), self._limits.records, "bytes of sparse map")
            text += self.read(tar.BLOCK)
            head, newline, _ = text.partition(b"\n")
            if newline:
                if not head.isdigit():
                    raise Invalid("archive/tar: invalid tar header")
                wanted = 1 + 2 * int(head)
                self._bound(wanted, 2 * self._limits.sparse_pieces, "pieces")
            if not self._data and text.count(b"\n") < wanted:
                raise Invalid("archive/tar: invalid tar header")
        numbers = text.split(b"\n")[1:wanted]
        if not all(item.isdigit() for item in numbers):
            raise Invalid("archive/tar: invalid tar header")
        header.sparse = list(zip(map(int, numbers[::2]), map(int, numbers[1::2]), strict=True))
        header.data = self._data

    def _small(self, header: tar.Header) -> bytes:
        self._bound(header.data, self._limits.records, "bytes of attributes")
        return self.read(header.data)

    def _bound(self, found: int, limit: int, of_what: str) -> None:
        if found > limit:
            raise Invalid(f"{found} {of_what}: more than {limit} are not taken")

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes of the present entry's data."""
        size = min(size, self._data)
        self._data -= size
        return self._exactly(size)

    def copy(self, fd: int, size: int) -> None:
        """Write the next `size` bytes of the present entry's data to `fd`."""
        if size > self._data:
            raise Invalid("archive/tar: invalid tar header")
        self._data -= size
        while size:
            at = self._at
            if at == len(self._chunk):
                self._fill()
                continue
            piece = self._chunk if at == 0 and len(self._chunk) <= size else None
            if piece is None:
                piece = self._chunk[at : at + size]
            write_all(fd, piece)
            self._at = at + len(piece)
            size -= len(piece)

    def skip(self) -> None:
        """Pass over what is left of the present entry."""
        rest = self._data + self._padding
        self._data = self._padding = 0
        while rest:
            step = min(rest, len(self._chunk) - self._at)
            self._at += step
            rest -= step
            if rest:
                self._fill()

    def drain(self) -> None:
        """Read on to the end of the stream: what follows the archive counts for its digest."""
        while self._stream.read(CHUNK):
            pass
        self._chunk, self._at = b"", 0

    def _take(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end of the stream."""
        end = self._at + size
        if end <= len(self._chunk):
            piece = self._chunk[self._at : end]
            self._at = end
            return piece
        pieces = [self._chunk[self._at :]]
        have = len(pieces[0])
        while have < size:
            self._chunk, self._at = self._stream.read(CHUNK), 0
            if not self._chunk:
                break
            pieces.append(self._chunk[: size - have])
            self._at = len(pieces[-1])
            have += self._at
        return b"".join(pieces)

    def _exactly(self, size: int) -> bytes:
        piece = self._take(size)
        if len(piece) < size:
            raise Invalid("unexpected EOF")
        return piece

    def _fill(self) -> None:
        self._chunk, self._at = self._stream.read(CHUNK), 0
        if not self._chunk:
            raise Invalid("unexpected EOF")


def write_all(fd: int, data: bytes) -> None:
    """write(2) until all of `data` is written."""
    done = os.write(fd, data)
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])
