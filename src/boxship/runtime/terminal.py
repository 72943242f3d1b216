"""The terminal of a process: a pair from the container's own devpts, its master sent away."""

import _socket
import fcntl
import os
import stat
import struct
import termios

from boxship.kernel import filesystems as fs
from boxship.kernel import mounts as km
from boxship.kernel.ignoring import ignoring
from boxship.model.errors import Invalid
from boxship.runtime import inside
from boxship.runtime.operations import Operation, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441


class OpenTerminal(Operation):
    """Make the pair, send the master over the console socket, make the slave the streams."""

    def __init__(self, size: "dict[str, Any] | None", *, mount: bool) -> None:
        """`mount`: the slave is /dev/console as well, for init but not for exec."""
        self.size = size
        self.mount = mount

    def describe(self) -> str:
        """`open a terminal`."""
        return "open a terminal"

    def execute(self, stage: Stage) -> None:
        """After the root changed: the pair belongs to the container's devpts."""
        if stage.console is None:
            raise Invalid("a terminal needs a console socket")
        master = _open_master(stage)
        fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
        slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        if self.size:
            size = struct.pack("HHHH", self.size["height"], self.size["width"], 0, 0)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        if self.mount:
            _mount_console(stage, slave)
        send_descriptor(stage.console, master)
        os.close(master)
        for number in (0, 1, 2):
            os.dup2(slave, number, inheritable=True)
        os.close(slave)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _open_master(stage: Stage) -> int:
    """/dev/ptmx may be anything in the image: only the multiplexer of a devpts will do."""
    try:
        path = inside.opened(stage.root, "/dev/pts/ptmx")
    except FileNotFoundError:
        path = inside.opened(stage.root, "/dev/ptmx")
    try:
        status = os.fstat(path)
        if not stat.S_ISCHR(status.st_mode) or status.st_rdev != os.makedev(5, 2):
            raise Invalid("/dev/pts/ptmx of the container is not a terminal multiplexer")
        flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(str(path), flags, dir_fd=stage.own_fds)
    finally:
        os.close(path)


def _mount_console(stage: Stage, slave: int) -> None:
    """Onto the file /dev/console itself; a link there is refused (CVE-2025-52565)."""
    if fs.filesystem_magic(slave) != fs.DEVPTS_MAGIC:
        raise Invalid("the terminal is not on a devpts")
    parent, name = inside.parent_of(stage.root, "/dev/console")
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    with ignoring(FileExistsError):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | flags, 0o620, dir_fd=parent))
    target = os.open(name, os.O_PATH | flags, dir_fd=parent)
    if stat.S_ISLNK(os.fstat(target).st_mode):
        raise Invalid("/dev/console of the container is a symbolic link")
    tree = km.open_tree(slave, "", km.OPEN_TREE_CLONE | km.OPEN_TREE_CLOEXEC | km.AT_EMPTY_PATH)
    km.move_mount(tree, target)
    for fd in (parent, target, tree):
        os.close(fd)


def send_descriptor(channel: int, fd: int) -> None:
    """SCM_RIGHTS over a connected socket, as runc's --console-socket wants it."""
    connected = _socket.socket(fileno=os.dup(channel))
    try:
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", fd))]
        connected.sendmsg([b"/dev/ptmx"], rights)
    finally:
        connected.close()
