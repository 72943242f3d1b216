"""Terminals: the size of a window, and a terminal that is passed over a socket."""

import array
import fcntl
import os
import socket
import struct
import termios

_WINSIZE = struct.Struct("HHHH")


def set_window_size(fd: int, *, width: int, height: int) -> None:
    """TIOCSWINSZ: the foreground process group of the terminal gets SIGWINCH."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, _WINSIZE.pack(height, width, 0, 0))


def window_size(fd: int) -> tuple[int, int]:
    """TIOCGWINSZ: width and height."""
    height, width, _, _ = _WINSIZE.unpack(fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(_WINSIZE.size)))
    return width, height


def receive_terminal(connection: socket.socket) -> int:
    """The descriptor that a runtime sends over its console socket."""
    size = array.array("i").itemsize
    _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_LEN(size))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fd = int.from_bytes(data[:size], "little")
            os.set_inheritable(fd, False)
            return fd
    raise OSError("the runtime sent no terminal over the console socket")
