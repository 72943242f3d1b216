"""Reading logs: the fast ways and the exact way agree; tails, times, streams, rotation."""

import json
import os
import select
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.logs import records
from boxship.logs.json_file import Encoder, Writer
from boxship.logs.reader import Follower, ReadOptions, follow, read
from boxship.wire import stdio

SECOND = 1_000_000_000
BASE = 1_738_324_800 * SECOND


@pytest.fixture
def log(tmp_path: Path) -> str:
    """o0 e0 o1 e1 ... o4 e4, a second apart."""
    path = str(tmp_path / "log")
    writer = Writer(path)
    for number in range(5):
        writer.write(1, b"o%d\n" % number, BASE + 2 * number * SECOND)
        writer.write(2, b"e%d\n" % number, BASE + (2 * number + 1) * SECOND)
    writer.close()
    return path


def raw(path: str, **options: object) -> bytes:
    return b"".join(read(path, ReadOptions(framed=False, **options)))  # type: ignore[arg-type]


def test_no_file_is_an_empty_log(tmp_path: Path) -> None:
    assert raw(str(tmp_path / "none")) == b""
    assert raw(str(tmp_path / "none"), tail=3) == b""


def test_a_log_is_framed_line_by_line(log: str) -> None:
    frames = stdio.Decoder().feed(b"".join(read(log, ReadOptions(tail=3))))
    assert frames == [(2, b"e3\n"), (1, b"o4\n"), (2, b"e4\n")]


def test_tail_counts_lines_of_both_streams(log: str) -> None:
    assert raw(log, tail=3, stderr=False) == b"o4\n"
    assert raw(log, tail=0) == b""
    assert raw(log, tail=100) == raw(log)


def test_times_are_inclusive(log: str) -> None:
    assert raw(log, since_ns=BASE + 7 * SECOND) == b"e3\no4\ne4\n"
    assert raw(log, until_ns=BASE + 1 * SECOND) == b"o0\ne0\n"


def test_timestamps_have_nine_decimals(log: str) -> None:
    assert raw(log, tail=1, timestamps=True) == b"2025-01-31T12:00:09.000000000Z e4\n"


def test_timestamps_stand_before_every_line_of_a_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(Encoder(1).feed(b"a\nb\n\nc\n", 0))
    stamp = b"1970-01-01T00:00:00.000000000Z "
    expected = b"".join(stamp + text for text in (b"a\n", b"b\n", b"\n", b"c\n"))
    assert raw(str(log), timestamps=True) == expected
    frames = stdio.Decoder().feed(b"".join(read(str(log), ReadOptions(timestamps=True))))
    assert [payload for _, payload in frames] == expected.splitlines(keepends=True)


def test_details_come_after_the_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(Encoder(1, attrs=b'{"tag":"w b","a":"1"}').feed(b"x\ny\n", 0))
    assert raw(str(log), details=True) == b"a=1,tag=w+b x\na=1,tag=w+b y\n"


def test_torn_and_foreign_lines_are_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log"
    whole = Encoder(1).feed(b"a\nb\n", 0)
    log.write_bytes(whole + b"garbage\n" + b'{"log":3}\n' + whole + b'{"log":"to')
    assert raw(str(log)) == b"a\nb\na\nb\n"
    assert raw(str(log), tail=2) == b"a\nb\n"


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30), st.integers(0, 2)), max_size=12
    )
)
def test_every_way_of_reading_gives_what_json_gives(parts: list[tuple[int, bytes, int]]) -> None:
    encoders = {1: Encoder(1), 2: Encoder(2)}
    log = b"".join(encoders[stream].feed(data + b"\n" * n, n) for stream, data, n in parts)
    log += encoders[1].end(1) + encoders[2].end(1)
    exact = [json.loads(row) for row in log.split(b"\n") if row]
    seen = list(records.runs(log))
    assert b"".join(run.text for run in seen).decode() == "".join(row["log"] for row in exact)
    by_stream = {n: b"".join(r.text for r in seen if r.stream == n).decode() for n in (1, 2)}
    names = {1: "stdout", 2: "stderr"}
    for number, name in names.items():
        assert by_stream[number] == "".join(r["log"] for r in exact if r["stream"] == name)


@pytest.mark.parametrize(
    "text", ["a\\n", '","stream":"stdout","time":"', "\x01\x02\\\\", "\\u003c<"]
)
def test_text_that_looks_like_the_frame_is_only_text(tmp_path: Path, text: str) -> None:
    log = tmp_path / "log"
    encoder = Encoder(1)
    data = f"{text}\n{text}\n{text}".encode()
    log.write_bytes(encoder.feed(data, 7) + encoder.end(7))
    assert raw(str(log)) == data


def readable(follower: Follower, seconds: float = 5) -> bool:
    return bool(select.select([follower], [], [], seconds)[0])


def test_following_sees_the_past_and_the_future(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    writer = Writer(path)
    writer.write(1, b"past\n", BASE)
    with follow(path, ReadOptions(framed=False)) as follower:
        assert follower.read_available() == b"past\n"
        assert follower.read_available() == b""
        assert not readable(follower, 0)
        writer.write(1, b"future\n", BASE)
        assert readable(follower)
        assert follower.read_available() == b"future\n"
    writer.close()


def test_following_may_begin_before_the_log(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with follow(path, ReadOptions(framed=False, tail=5)) as follower:
        assert follower.read_available() == b""
        writer = Writer(path)
        writer.write(1, b"first\n", BASE)
        assert readable(follower)
        assert follower.read_available() == b"first\n"
        writer.close()


def test_following_survives_a_log_that_was_emptied(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    writer = Writer(path)
    writer.write(1, b"old and long enough\n", BASE)
    with follow(path, ReadOptions(framed=False)) as follower:
        follower.read_available()
        os.truncate(path, 0)
        assert follower.read_available() == b""
        writer.write(1, b"new\n", BASE)
        assert follower.read_available() == b"new\n"
    writer.close()


def test_a_torn_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = Encoder(1).feed(b"a line\n", 0)
    path.write_bytes(whole[:9])
    with follow(str(path), ReadOptions(framed=False)) as follower:
        assert follower.read_available() == b""
        path.write_bytes(whole)
        assert follower.read_available() == b"a line\n"


def test_following_crosses_rotation_without_a_gap(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    writer = Writer(path, max_size=200, max_file=5)
    with follow(path, ReadOptions(framed=False)) as follower:
        seen = b""
        for number in range(40):
            writer.write(1, b"%d\n" % number, BASE)
            if number % 7 == 0:
                assert readable(follower)
                while text := follower.read_available():
                    seen += text
        while text := follower.read_available():
            seen += text
    writer.close()
    assert seen == b"".join(b"%d\n" % number for number in range(40))


def test_a_tail_reaches_into_rotated_files(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    writer = Writer(path, max_size=200, max_file=3)
    for number in range(12):
        writer.write(1, b"%d\n" % number, BASE)
    writer.close()
    assert raw(path, tail=5) == b"7\n8\n9\n10\n11\n"


def test_following_ends_at_until(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    writer = Writer(path)
    with follow(path, ReadOptions(framed=False, until_ns=BASE)) as follower:
        writer.write(1, b"in\n", BASE)
        writer.write(1, b"out\n", BASE + 1)
        assert follower.read_available() == b"in\n"
        assert follower.read_available() == b""
        assert follower.done
    writer.close()
