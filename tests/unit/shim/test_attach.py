"""Attach clients: what they get, what they send, how they go."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boxship.shim.attach import Attach
from boxship.shim.loop import Loop
from boxship.shim.sinks import MOST_HELD
from boxship.shim.stdin import Stdin
from boxship.wire import stdio

ALL = {"stdin": True, "stdout": True, "stderr": True, "close_stdin": True}


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def attach(loop: Loop, tmp_path: Path) -> Iterator[Attach]:
    attach = Attach(loop, str(tmp_path / "a.sock"), terminal=False)
    yield attach
    attach.retire()
    attach.drop_all()


def client(tmp_path: Path, wants: dict[str, bool]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(tmp_path / "a.sock"))
    connection.sendall(json.dumps(wants).encode() + b"\n")
    return connection


def run_until(loop: Loop, happened: Callable[[], bool]) -> None:
    def look() -> None:
        if happened():
            loop.stop()
        else:
            loop.later(0.005, look)

    loop.later(5, loop.stop)
    loop.later(0, look)
    loop.run()
    assert happened()


def test_streams_go_to_who_wants_them(attach: Attach, tmp_path: Path) -> None:
    with client(tmp_path, ALL) as both, client(tmp_path, ALL | {"stdout": False}) as errors:
        attach.accept_waiting()
        attach.write(1, b"out")
        attach.write(2, b"err")
        attach.end()
        assert both.recv(99) == stdio.encode(1, b"out") + stdio.encode(2, b"err")
        assert (both.recv(99), errors.recv(99)) == (b"", stdio.encode(2, b"err"))


def test_input_and_its_end_arrive(loop: Loop, attach: Attach, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    attach.stdin = Stdin(loop, write, terminal=False)
    with open(read, "rb") as process, client(tmp_path, ALL) as typist:
        typist.sendall(b"word")
        typist.shutdown(socket.SHUT_WR)
        run_until(loop, lambda: attach.stdin is not None and attach.stdin.closed)
        assert process.read() == b"word"


def test_a_slow_client_is_noticed_and_a_lost_one_forgotten(
    loop: Loop, attach: Attach, tmp_path: Path
) -> None:
    with client(tmp_path, ALL):
        attach.accept_waiting()
        while not attach.full:
            attach.write(1, bytes(MOST_HELD))
    run_until(loop, lambda: attach.idle)
    assert not attach.full


def test_nonsense_for_a_header_ends_the_connection(
    loop: Loop, attach: Attach, tmp_path: Path
) -> None:
    with client(tmp_path, ALL) as good, socket.socket(socket.AF_UNIX) as bad:
        bad.connect(str(tmp_path / "a.sock"))
        bad.sendall(b"GET / HTTP/1.1\r\n")
        attach.accept_waiting()
        bad.settimeout(5)
        assert bad.recv(9) == b""
        attach.write(1, b"x")
        assert good.recv(99) == stdio.encode(1, b"x")


def test_a_path_longer_than_a_socket_address_works(loop: Loop, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    attach = Attach(loop, str(deep / "a.sock"), terminal=False)
    assert (deep / "a.sock").is_socket()
    attach.retire()
    assert not (deep / "a.sock").exists()
