"""The json-file writer, byte for byte as Docker 28.5 writes (lines taken from a real one)."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.logs.json_file import PARTIAL, Encoder, Writer, escape, timestamp

NOON = 1_738_324_800_123_456_780
NOON_TEXT = b"2025-01-31T12:00:00.12345678Z"


def line(text: bytes, stream: bytes = b"stdout", time: bytes = NOON_TEXT) -> bytes:
    return b'{"log":"%b","stream":"%b","time":"%b"}\n' % (text, stream, time)


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        (b"plain ~\x7f", b"plain ~\x7f"),
        (b"\x00\x08\x09\x0b\x0c\r\x1b", rb"\u0000\u0008\u0009\u000b\u000c\r\u001b"),
        (b'"quoted" \\n', rb"\"quoted\" \\n"),
        (b"<a>&", rb"\u003ca\u003e\u0026"),
        ("é \u2028 \u2029 \ufffd 😀 \u0085 \ufeff".encode(), None),
        (b"\xe2\x82a", rb"\ufffd\ufffda"),
        (b"\xed\xa0\x80", rb"\ufffd\ufffd\ufffd"),
        (b"\xf0\xe2\x80\xa8", rb"\ufffd\u2028"),
        (b"a\xffb\\n", rb"a\ufffdb\\n"),
    ],
)
def test_escapes_are_dockers(raw: bytes, escaped: bytes | None) -> None:
    if escaped is None:
        escaped = "é \\u2028 \\u2029 \ufffd 😀 \u0085 \ufeff".encode()
    assert escape(raw) == escaped


def test_a_chunk_of_lines_is_framed_at_once() -> None:
    assert Encoder(1).feed(b"one\n\ntwo\n", NOON) == line(rb"one\n") + line(rb"\n") + line(
        rb"two\n"
    )


def test_an_unfinished_line_waits_and_ends_as_partial() -> None:
    encoder = Encoder(2)
    assert encoder.feed(b"mo", NOON) == b""
    assert encoder.feed(b"re\nlast", NOON) == line(rb"more\n", b"stderr")
    assert encoder.end(NOON) == line(b"last", b"stderr")
    assert encoder.end(NOON) == b""


def test_attributes_stand_before_the_time() -> None:
    text = Encoder(1, attrs=b'{"tag":"web"}').feed(b"x\n", NOON)
    expected = b'{"log":"x\\n","stream":"stdout","attrs":{"tag":"web"},"time":"%b"}\n' % NOON_TEXT
    assert text == expected


@pytest.mark.parametrize(
    ("length", "pieces"),
    [
        (16383, [16384]),
        (16384, [16384, 1]),
        (32768, [16384, 16384, 1]),
        (40000, [16384, 16384, 7233]),
    ],
)
def test_lines_are_cut_at_sixteen_kib(length: int, pieces: list[int]) -> None:
    encoder = Encoder(1)
    text = encoder.feed(b"x" * length + b"\nnext\n", NOON)
    records = [json.loads(row) for row in text.splitlines()]
    assert [len(record["log"]) for record in records] == [*pieces, 5]


def test_the_parts_of_a_line_carry_the_time_of_the_first() -> None:
    encoder = Encoder(1)
    first = encoder.feed(b"x" * PARTIAL, NOON)
    last = encoder.feed(b"y\nz\n", NOON + 1_000_000_000)
    assert first == line(b"x" * PARTIAL)
    later = NOON_TEXT.replace(b":00.", b":01.")
    assert last == line(rb"y\n") + line(rb"z\n", time=later)


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 50))
def test_any_cutting_of_the_stream_gives_the_same_log(parts: list[bytes], size: int) -> None:
    data = b"\n".join(parts)
    whole, cut = Encoder(1), Encoder(1)
    once = whole.feed(data, NOON) + whole.end(NOON)
    pieces = [cut.feed(data[at : at + size], NOON) for at in range(0, len(data), size)]
    assert b"".join(pieces) + cut.end(NOON) == once


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_every_text_is_what_a_json_parser_reads(text: str) -> None:
    encoder = Encoder(1)
    log = encoder.feed(text.encode(), NOON) + encoder.end(NOON)
    assert "".join(json.loads(row)["log"] for row in log.split(b"\n") if row) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, b"1970-01-01T00:00:00Z"), (1_500_000_000, b"1970-01-01T00:00:01.5Z"), (NOON, NOON_TEXT)],
)
def test_times_have_no_needless_zeros(ns: int, text: bytes) -> None:
    assert timestamp(ns) == text


def test_the_file_is_for_its_owner_and_group(tmp_path: Path) -> None:
    Writer(str(tmp_path / "log")).close()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o640


def test_a_writer_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(line(rb"whole\n") + b'{"log":"to')
    writer = Writer(str(path))
    writer.write(1, b"new\n", NOON)
    writer.close()
    assert path.read_bytes() == line(rb"whole\n") + line(rb"new\n")


def test_rotation_counts_as_docker_does(tmp_path: Path) -> None:
    path = tmp_path / "log"
    size = len(line(rb"0\n"))
    writer = Writer(str(path), max_size=size + 1, max_file=3)
    writer.write(1, b"".join(b"%d\n" % n for n in range(8)), NOON)
    writer.close()
    rows = {
        name: re.findall(rb'"log":"(\d)', (tmp_path / name).read_bytes())
        for name in os.listdir(tmp_path)
    }
    assert rows == {"log.2": [b"2", b"3"], "log.1": [b"4", b"5"], "log": [b"6", b"7"]}


def test_one_file_is_replaced_by_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = Writer(str(path), max_size=1, max_file=1)
    writer.write(1, b"a\nb\n", NOON)
    writer.close()
    assert os.listdir(tmp_path) == ["log"]
    assert path.read_bytes() == line(rb"b\n")
