"""The interpreter's copy that nobody can change, and what a shim tells the kernel about itself."""

import os
import pty
import socket
import subprocess
import sys

from boxship.kernel import prctl, sealed, terminal


def run(code: str) -> str:
    argv = [sys.executable, "-c", code]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_the_copy_finds_its_modules_and_cannot_be_written() -> None:
    code = """
from boxship.kernel import sealed
try:
    open('/proc/self/exe', 'r+b')
    print('open to writing')
except OSError as error:
    print(error.strerror)
print(sealed.is_sealed(), sys.argv[1:])
"""
    said = run(f"from boxship.kernel import sealed; sealed.execute({code!r}, ['a', 'b'])")
    assert said in {
        "Text file busy\nTrue ['a', 'b']\n",
        "Operation not permitted\nTrue ['a', 'b']\n",
    }


def test_this_process_is_no_copy() -> None:
    assert not sealed.is_sealed()


def test_a_title_shows() -> None:
    said = run(
        "from boxship.kernel import prctl; prctl.set_title('boxship-shim 0123456789ab');"
        "print(open('/proc/self/comm').read().strip());"
        "print(open('/proc/self/cmdline').read().rstrip('\\0'))"
    )
    assert said == "boxship-shim 01\nboxship-shim 0123456789ab\n"


def test_all_descriptors_but_some_are_closed() -> None:
    said = run(
        "import os; from boxship.kernel import process\n"
        "kept, lost = os.pipe(); process.close_all_but({0, 1, 2, kept}, 0)\n"
        "os.fstat(kept)\n"
        "try: os.fstat(lost)\n"
        "except OSError: print('closed')"
    )
    assert said == "closed\n"


def test_a_terminal_comes_over_a_socket_and_has_a_size() -> None:
    ours, theirs = socket.socketpair()
    master, slave = pty.openpty()
    with ours, theirs:
        socket.send_fds(theirs, [b"/dev/pts/0"], [master])
        received = terminal.receive_terminal(ours)
    terminal.set_window_size(received, width=132, height=43)
    assert terminal.window_size(slave) == (132, 43)
    assert os.get_inheritable(received) is False
    for fd in (received, master, slave):
        os.close(fd)


def test_the_heap_can_be_trimmed() -> None:
    prctl.trim_heap()
