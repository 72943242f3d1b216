"""Tar headers: what we read is what Python's tarfile wrote, and the other way round."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.model.errors import Invalid
from boxship.wire import tar


def block_of(**fields: object) -> bytes:
    info = tarfile.TarInfo("a/b")
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT)[:512]


def test_a_header_says_what_was_written() -> None:
    header = tar.parse_header(
        block_of(mode=0o4755, uid=12, gid=34, size=56, mtime=78, type=tarfile.REGTYPE)
    )
    assert (header.name, header.kind, header.size, header.data) == (b"a/b", b"0", 56, 56)
    assert (header.mode, header.uid, header.gid, header.mtime_ns) == (0o4755, 12, 34, 78 * 10**9)


def test_numbers_that_octal_cannot_hold_are_read() -> None:
    header = tar.parse_header(block_of(uid=1 << 40, size=1 << 40, mtime=-5))
    assert (header.uid, header.size, header.mtime_ns) == (1 << 40, 1 << 40, -5 * 10**9)


def test_a_directory_or_link_has_no_data_whatever_it_says() -> None:
    header = tar.parse_header(block_of(type=tarfile.SYMTYPE, linkname="x", size=512))
    assert (header.kind, header.link, header.data) == (b"2", b"x", 0)


def record(body: bytes) -> bytes:
    return b"%d " % (len(body) + 3) + body


@pytest.mark.parametrize("at", [0, 100, 148, 156, 300])
def test_a_damaged_block_is_refused(at: int) -> None:
    block = bytearray(block_of())
    block[at] ^= 0x55
    with pytest.raises(Invalid, match="invalid tar header"):
        tar.parse_header(bytes(block))


@pytest.mark.parametrize(
    "data",
    [b"x", b"5 a=b\n", b"99 a=b\n", b"6 a=bc", b"0 a=b\n", b"6 ab c\n", b"-6 a=b\n", b"6 =bc\n"],
)
def test_damaged_records_are_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        tar.parse_records(data)


def test_records_override_the_header() -> None:
    header = tar.parse_header(block_of(size=3))
    mtime, xattr = b"mtime=1.000000005\n", b"SCHILY.xattr.user.x=a=b\nc\n"
    records = tar.parse_records(b"12 size=100\n" + record(mtime) + record(xattr))
    tar.apply_records(header, records)
    assert (header.size, header.data, header.mtime_ns) == (100, 100, 1_000_000_005)
    assert header.xattrs == {b"user.x": b"a=b\nc"}


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [(b"1", 10**9), (b"1.5", 1_500_000_000), (b"-1.25", -1_250_000_000), (b"0.0000000019", 1)],
)
def test_times_are_exact(text: bytes, nanoseconds: int) -> None:
    assert tar.nanoseconds(text) == nanoseconds


def test_a_sparse_map_may_not_overlap_or_lie() -> None:
    header = tar.Header(b"f", b"0", 10)
    for pieces in ([(0, 5), (4, 2)], [(8, 5)], [(0, 6), (6, 4), (10, 1)]):
        header.sparse = pieces
        with pytest.raises(Invalid):
            tar.check_sparse(header)


names = st.binary(min_size=1, max_size=300).filter(lambda n: b"\0" not in n and n.strip(b"/"))


@given(
    names,
    st.integers(0, 1 << 50),
    st.integers(0, 1 << 33),
    st.integers(-(10**18), 10**19),
    st.dictionaries(st.sampled_from([b"user.a", b"security.capability"]), st.binary(max_size=90)),
)
def test_what_we_build_is_what_we_and_others_read(
    name: bytes, size: int, uid: int, mtime_ns: int, xattrs: dict[bytes, bytes]
) -> None:
    header = tar.Header(name, b"0", size)
    header.uid, header.mtime_ns, header.xattrs = uid, mtime_ns, xattrs
    data = tar.build(header)
    read = read_back(data)
    assert (read.name, read.size, read.uid) == (name, size, uid)
    assert (read.mtime_ns, read.xattrs) == (mtime_ns, xattrs)
    theirs = tarfile.TarFile.open(fileobj=io.BytesIO(data + tar.END), errors="surrogateescape")
    info = theirs.next()
    assert info is not None
    assert (info.size, info.uid) == (size, uid)


def read_back(data: bytes) -> tar.Header:
    header = tar.parse_header(data[:512])
    if header.kind != tar.PAX:
        return header
    end = 512 + tar.padded(header.data)
    records = tar.parse_records(data[512 : 512 + header.data])
    header = tar.parse_header(data[end : end + 512])
    tar.apply_records(header, records)
    return header


@given(st.binary(min_size=512, max_size=512))
def test_any_block_is_a_header_or_invalid(block: bytes) -> None:
    try:
        tar.parse_header(block)
    except Invalid:
        return


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_invalid(data: bytes) -> None:
    try:
        tar.parse_records(data)
    except Invalid:
        return
