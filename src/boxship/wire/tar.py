"""Tar archives as bytes: headers read and written, no I/O.  POSIX pax, ustar and GNU's forms.

block    512 bytes; a header is one block, data is padded to whole blocks
header   what one block says of an entry
records  pax key and value pairs, which override the header behind them
sparse   the map of a file with holes: (offset, length) of each piece of data
"""

import struct
from zlib import adler32

from boxship.model.errors import Invalid

BLOCK = 512
ZERO = bytes(BLOCK)
END = bytes(2 * BLOCK)

REGULAR = frozenset({b"0", b"\0", b"7"})
HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"1", b"2", b"3", b"4", b"5", b"6"
HEADER_ONLY = frozenset({HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO})
PAX, PAX_GLOBAL = b"x", b"g"
GNU_NAME, GNU_LINK, GNU_SPARSE = b"L", b"K", b"S"
XATTR_RECORD = b"SCHILY.xattr."

_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_SPACES = 8 * 0x20
_MODULUS = 65521
_MAX_OCTAL = {8: 0o7777777, 12: 0o77777777777}


class Header:
    """One entry.  `data` is how many bytes follow it in the archive, `size` how big the file is."""

    __slots__ = (
        *("data", "gid", "kind", "link", "major", "minor", "mode", "mtime_ns", "name"),
        *("size", "sparse", "uid", "xattrs"),
    )

    def __init__(self, name: bytes, kind: bytes, size: int = 0) -> None:
        """An entry of root's, with all else empty."""
        self.name = name
        self.kind = kind
        self.size = self.data = size
        self.link = b""
        self.mode = self.uid = self.gid = self.mtime_ns = self.major = self.minor = 0
        self.xattrs: dict[bytes, bytes] = {}
        self.sparse: list[tuple[int, int]] | None = None


def parse_header(block: bytes) -> Header:
    """What `block` says; `Invalid` if its checksum or a number in it is wrong."""
    name, mode, uid, gid, size, mtime, checksum, *rest = _FIELDS.unpack(block)
    kind, link, magic, _user, _group, major, minor, prefix = rest
    # adler32's low half is the sum of all bytes plus one, modulo a prime: one call, not 512 steps.
    expected = number(checksum) - _SPACES + sum(checksum) + 1
    if adler32(block) & 0xFFFF != expected % _MODULUS:
        raise Invalid("archive/tar: invalid tar header")
    header = Header(name.partition(b"\0")[0], kind, number(size))
    header.mode = number(mode) & 0o7777
    header.uid = number(uid)
    header.gid = number(gid)
    header.mtime_ns = number(mtime) * 1_000_000_000
    if kind in HEADER_ONLY:
        _finish_header_only(header, link, major, minor)
    if magic[:6] == b"ustar\0" and prefix[0]:
        header.name = prefix.partition(b"\0")[0] + b"/" + header.name
    if kind == b"\0" and header.name.endswith(b"/"):
        header.kind, header.size, header.data = DIRECTORY, 0, 0
    if header.size < 0:
        raise Invalid("archive/tar: invalid tar header")
    return header


def _finish_header_only(header: Header, link: bytes, major: bytes, minor: bytes) -> None:
    header.size = header.data = 0
    header.link = link.partition(b"\0")[0]
    if header.kind in {CHARACTER, BLOCK_DEVICE}:
        header.major, header.minor = number(major), number(minor)


def number(field: bytes) -> int:
    """An octal number, or GNU's base 256 where the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big")
        bits = 8 * len(field)
        # 0x80 marks a positive number, 0xff a negative one in two's complement.
        return value - (1 << bits) if field[0] & 0x40 else value - (1 << (bits - 1))
    digits = field.rstrip(b" \0").lstrip(b" \0")
    try:
        value = int(digits, 8) if digits else 0
    except ValueError:
        value = -1
    if value < 0:
        raise Invalid("archive/tar: invalid tar header")
    return value


def parse_records(data: bytes) -> dict[bytes, bytes]:
    """The records of a pax header: `length key=value` and a newline, each."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at] != 0:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        if not space + 1 < end <= len(data) or data[end - 1] != 0x0A:
            raise Invalid("archive/tar: invalid tar header")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not (key and equals) or b"\0" in key:
            raise Invalid("archive/tar: invalid tar header")
        records[key] = value
        at = end
    return records


def apply_records(header: Header, records: dict[bytes, bytes]) -> None:
    """Let `records` override what `header` says."""
    for key, value in records.items():
        if key.startswith(XATTR_RECORD):
            header.xattrs[key[len(XATTR_RECORD) :]] = value
            continue
        override = _OVERRIDES.get(key)
        if override is not None and value:
            try:
                override(header, value)
            except ValueError:
                raise Invalid("archive/tar: invalid tar header") from None


def _set_name(header: Header, value: bytes) -> None:
    header.name = _text(value)


def _set_link(header: Header, value: bytes) -> None:
    header.link = _text(value)


def _set_size(header: Header, value: bytes) -> None:
    if header.kind not in HEADER_ONLY:
        header.size = header.data = _natural(value)


def _set_real_size(header: Header, value: bytes) -> None:
    header.size = _natural(value)


def _set_uid(header: Header, value: bytes) -> None:
    header.uid = _natural(value)


def _set_gid(header: Header, value: bytes) -> None:
    header.gid = _natural(value)


def _set_mtime(header: Header, value: bytes) -> None:
    header.mtime_ns = nanoseconds(value)


_OVERRIDES = {
    b"path": _set_name,
    b"linkpath": _set_link,
    b"size": _set_size,
    b"uid": _set_uid,
    b"gid": _set_gid,
    b"mtime": _set_mtime,
}


def _text(value: bytes) -> bytes:
    if b"\0" in value:
        raise ValueError(value)
    return value


def _natural(value: bytes) -> int:
    if not value.isdigit():
        raise ValueError(value)
    return int(value)


def nanoseconds(text: bytes) -> int:
    """Seconds with a fraction, exactly."""
    whole, _, fraction = text.partition(b".")
    nanos = int((fraction + b"000000000")[:9]) if fraction else 0
    seconds = int(whole or b"0")
    return seconds * 1_000_000_000 + (-nanos if whole.startswith(b"-") else nanos)


def padded(size: int) -> int:
    """`size` in whole blocks."""
    return (size + BLOCK - 1) & -BLOCK


def gnu_sparse_map(block: bytes) -> tuple[list[tuple[int, int]], int, bool]:
    """GNU's old form, in the header block: the map, the real size, whether more blocks follow."""
    return _pairs(block, 386, 4), number(block[483:495]), bool(block[482])


def gnu_sparse_more(block: bytes) -> tuple[list[tuple[int, int]], bool]:
    """One more block of GNU's old form."""
    return _pairs(block, 0, 21), bool(block[504])


def _pairs(block: bytes, start: int, count: int) -> list[tuple[int, int]]:
    pieces = []
    for at in range(start, start + 24 * count, 24):
        if block[at] == 0:
            break
        pieces.append((number(block[at : at + 12]), number(block[at + 12 : at + 24])))
    return pieces


def pax_sparse(header: Header, records: dict[bytes, bytes]) -> bool:
    """Take a pax sparse map (0.0, 0.1) from `records`; True if the map (1.0) leads the data."""
    for key in (b"GNU.sparse.name", b"GNU.sparse.realsize", b"GNU.sparse.size"):
        if key in records:
            (_set_name if key.endswith(b"name") else _set_real_size)(header, records[key])
    if records.get(b"GNU.sparse.major") == b"1":
        return True
    if b"GNU.sparse.map" in records:
        numbers = [_natural(item) for item in records[b"GNU.sparse.map"].split(b",") if item]
        header.sparse = list(zip(numbers[::2], numbers[1::2], strict=True))
    return False


def check_sparse(header: Header) -> None:
    """Refuse a map whose pieces overlap, leave the file, or are not the data that follows."""
    end = total = 0
    for offset, length in header.sparse or ():
        if offset < end or offset + length > header.size:
            raise Invalid("archive/tar: invalid tar header")
        end = offset + length
        total += length
    if total > header.data:
        raise Invalid("archive/tar: invalid tar header")


def build(header: Header) -> bytes:
    """The block, or blocks with a pax header in front, that say `header`."""
    records: dict[bytes, bytes] = {
        XATTR_RECORD + key: value for key, value in sorted(header.xattrs.items())
    }
    if len(header.name) > 100 or not header.name.isascii():
        records[b"path"] = header.name
    if len(header.link) > 100 or not header.link.isascii():
        records[b"linkpath"] = header.link
    for key, value, limit in (
        (b"size", header.data, _MAX_OCTAL[12]),
        (b"uid", header.uid, _MAX_OCTAL[8]),
        (b"gid", header.gid, _MAX_OCTAL[8]),
    ):
        if value > limit:
            records[key] = b"%d" % value
    seconds, nanos = divmod(header.mtime_ns, 1_000_000_000)
    if nanos or not 0 <= seconds <= _MAX_OCTAL[12]:
        records[b"mtime"] = _decimal(header.mtime_ns)
    block = _block(header)
    if not records:
        return block
    body = b"".join(_record(key, value) for key, value in sorted(records.items()))
    lead = Header(b"PaxHeaders.0/" + header.name.rpartition(b"/")[2][:80], PAX, len(body))
    return _block(lead) + body + bytes(padded(len(body)) - len(body)) + block


def _decimal(nanoseconds_: int) -> bytes:
    sign = b"-" if nanoseconds_ < 0 else b""
    seconds, nanos = divmod(abs(nanoseconds_), 1_000_000_000)
    return b"%s%d.%09d" % (sign, seconds, nanos) if nanos else b"%s%d" % (sign, seconds)


def _record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + len(str(len(body)))
    if len(str(length)) + len(body) != length:
        length = len(body) + len(str(length))
    return str(length).encode() + body


def _block(header: Header) -> bytes:
    seconds = min(max(header.mtime_ns // 1_000_000_000, 0), _MAX_OCTAL[12])
    device = header.kind in {CHARACTER, BLOCK_DEVICE}
    block = bytearray(
        _FIELDS.pack(
            header.name[:100],
            b"%07o" % header.mode,
            b"%07o" % min(header.uid, _MAX_OCTAL[8]),
            b"%07o" % min(header.gid, _MAX_OCTAL[8]),
            b"%011o" % min(header.data, _MAX_OCTAL[12]),
            b"%011o" % seconds,
            b" " * 8,
            header.kind,
            header.link[:100],
            b"ustar\x0000",
            b"",
            b"",
            b"%07o" % header.major if device else b"",
            b"%07o" % header.minor if device else b"",
            b"",
        )
    )
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)
