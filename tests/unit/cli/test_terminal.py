"""Detach keys, frames and progress."""

import os

import pytest

from boxship.cli import terminal
from boxship.cli.failure import Failure
from boxship.cli.progress import Display, bar_of
from boxship.cli.streams import Frames


def test_keys_are_named() -> None:
    assert terminal.keys("ctrl-p,ctrl-q") == terminal.DEFAULT_KEYS
    assert terminal.keys("a,ctrl-@,ctrl-[") == b"a\x00\x1b"
    with pytest.raises(Failure, match="invalid detach keys"):
        terminal.keys("ctrl-1")


def test_the_keys_detach_and_are_not_sent() -> None:
    watch = terminal.Detacher(b"\x10\x11")
    assert watch.feed(b"ls\r") == b"ls\r"
    assert watch.feed(b"\x10") == b""
    assert watch.feed(b"\x11rest") == b""
    assert watch.found


def test_half_of_the_keys_is_sent_late() -> None:
    watch = terminal.Detacher(b"\x10\x11")
    assert watch.feed(b"\x10\x10x") == b"\x10\x10x"
    assert not watch.found


def test_one_key_detaches() -> None:
    watch = terminal.Detacher(b"x")
    assert watch.feed(b"abx") == b"ab"
    assert watch.found


def test_frames_are_cut_anywhere() -> None:
    data = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err"
    for cut in range(len(data)):
        frames = Frames()
        parts = frames.feed(data[:cut]) + frames.feed(data[cut:])
        assert b"".join(part for stream, part in parts if stream == 1) == b"out"
        assert b"".join(part for stream, part in parts if stream == 2) == b"err"


MESSAGES = [
    {"status": "Pulling from library/x", "id": "latest"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "0123"},
    {"status": "Downloading", "progressDetail": {"current": 5, "total": 10}, "id": "0123"},
    {"status": "Pull complete", "progressDetail": {}, "id": "0123"},
    {"status": "Digest: sha256:abc"},
]


def test_progress_in_a_file_has_no_bars() -> None:
    reader, writer = os.pipe()
    Display(writer).show(MESSAGES)
    os.close(writer)
    with open(reader, "rb") as file:
        assert file.read().decode() == (
            "latest: Pulling from library/x\n"
            "0123: Pulling fs layer\n"
            "0123: Pull complete\n"
            "Digest: sha256:abc\n"
        )


def test_progress_on_a_terminal_rewrites_its_line() -> None:
    master, slave = os.openpty()
    Display(slave).show(MESSAGES[1:3])
    shown = ""
    while "Downloading" not in shown:
        shown += os.read(master, 4096).decode()
    assert shown.startswith("\r\n\x1b[1A\x1b[2K\r0123: Pulling fs layer \r\x1b[1B")
    assert "\x1b[1A\x1b[2K\r0123: Downloading" in shown
    os.close(master)
    os.close(slave)


def test_a_bar_needs_room() -> None:
    half = {"current": 5, "total": 10}
    assert bar_of(half, 80) == "      5B/10B"
    assert bar_of(half, 120) == f"[{'=' * 25}>{' ' * 25}]       5B/10B"
    assert bar_of({}, 120) == ""


def test_an_error_in_the_stream_ends_it() -> None:
    with pytest.raises(Failure, match="no space left"):
        Display(1, quiet=True).show([{"errorDetail": {"message": "no space left"}, "error": "x"}])
