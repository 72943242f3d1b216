"""A container with a terminal: runc's console socket."""

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.model.errors import Invalid, System
from boxship.runtime.create import create
from boxship.runtime.execute import execute
from system.runtime_bundle import Box, spec

pytestmark = pytest.mark.root


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path))
    yield box
    box.remove()


def terminal_spec(*args: str) -> dict[str, object]:
    document = spec(*args)
    document["process"]["terminal"] = True
    document["process"]["consoleSize"] = {"height": 33, "width": 77}
    return document


def create_with_terminal(box: Box, document: dict[str, object]) -> int:
    """The master."""
    box.configure(document)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        box.pid = create(box.id, box.bundle, box.root, console=theirs.fileno(), parent=False)
        _, fds, _, _ = socket.recv_fds(ours, 100, 1)
    return fds[0]


def read_all(master: int) -> str:
    said = b""
    while True:
        try:
            said += os.read(master, 4096)
        except OSError:
            os.close(master)
            return said.decode()


def test_the_terminal_is_the_streams_the_console_and_the_controlling_one(box: Box) -> None:
    script = (
        "test -t 0 && test -t 1 && test -t 2 && stty size && "
        "echo x > /dev/tty && echo y > /dev/console; busybox tty"
    )
    master = create_with_terminal(box, terminal_spec("sh", "-c", script))
    box.start()
    assert read_all(master).split() == ["33", "77", "x", "y", "/dev/pts/0"]
    assert box.wait() == 0


def test_a_window_is_resized_through_the_master(box: Box) -> None:
    script = "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.01; done"
    master = create_with_terminal(box, terminal_spec("sh", "-c", script))
    box.start()
    while b"up" not in os.read(master, 100):
        pass
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 11, 22, 0, 0))
    assert "11 22" in read_all(master)
    box.wait()


def test_exec_has_a_terminal_of_its_own(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    process = {"args": ["sh", "-c", "stty size; busybox tty"], "cwd": "/", "terminal": True}
    process |= {"env": ["PATH=/bin"], "consoleSize": {"height": 5, "width": 6}}
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pid = execute(box.id, box.root, process, console=theirs.fileno(), parent=False)
        _, fds, _, _ = socket.recv_fds(ours, 100, 1)
    assert read_all(fds[0]).split() == ["5", "6", "/dev/pts/0"]
    os.waitpid(pid, 0)


def test_a_terminal_needs_somebody_to_have_it(box: Box) -> None:
    with pytest.raises(Invalid, match="cannot allocate tty"):
        box.create(terminal_spec("true"))


def without_dev(document: dict[str, object]) -> dict[str, object]:
    mounts = document["mounts"]
    assert isinstance(mounts, list)
    document["mounts"] = [m for m in mounts if m["destination"] != "/dev"]
    return document


def test_a_linked_console_is_refused(box: Box, tmp_path: Path) -> None:
    """CVE-2025-52565: what is bound on /dev/console must not land on a file of procfs."""
    os.mkdir(f"{box.rootfs}/dev")
    os.symlink("/proc/sys/kernel/core_pattern", f"{box.rootfs}/dev/console")
    with pytest.raises(Invalid, match="console of the container is a symbolic link"):
        create_with_terminal(box, without_dev(terminal_spec("true")))


def test_a_false_multiplexer_is_refused(box: Box) -> None:
    os.makedirs(f"{box.rootfs}/dev")
    document = without_dev(terminal_spec("true"))
    document["mounts"] = [m for m in document["mounts"] if m["destination"] != "/dev/pts"]  # type: ignore[attr-defined]
    os.mkdir(f"{box.rootfs}/dev/pts")
    os.symlink("/etc/passwd", f"{box.rootfs}/dev/pts/ptmx")
    with pytest.raises((Invalid, System), match="not a terminal multiplexer"):
        create_with_terminal(box, document)
