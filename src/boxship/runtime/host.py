"""What a container changes of its own kernel: names, sysctls, the loopback device."""

import errno
import os

from boxship.kernel import process as kp
from boxship.kernel.files import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2
from boxship.kernel.filesystems import PROC_MAGIC, filesystem_magic
from boxship.model.errors import Invalid
from boxship.runtime import inside
from boxship.runtime.namespaces import Namespaces
from boxship.runtime.operations import Operation, Stage

_IPC_SYSCTLS = (
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
    "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
)  # fmt: skip


class SetHostname(Operation):
    """`hostname` and `domainname`."""

    def __init__(self, hostname: str, domainname: str) -> None:
        """An empty one stays as it is."""
        import _socket  # before the root is the container's

        self._sethostname = _socket.sethostname
        self.hostname = hostname
        self.domainname = domainname

    def describe(self) -> str:
        """`set the hostname to web`."""
        return f"set the hostname to {self.hostname or self.domainname}"

    def execute(self, stage: Stage) -> None:
        """In the container's UTS namespace."""
        del stage
        if self.hostname:
            self._sethostname(self.hostname)
        if self.domainname:
            kp.setdomainname(self.domainname)


class SetSysctl(Operation):
    """One entry of `linux.sysctl`."""

    def __init__(self, key: str, value: str) -> None:
        """Dots part the names; a slash instead keeps the dots of an interface's name."""
        self.key = key
        self.value = value

    def describe(self) -> str:
        """`set sysctl net.ipv4.ip_forward to 1`."""
        return f"set sysctl {self.key} to {self.value}"

    def execute(self, stage: Stage) -> None:
        """Below the container's /proc/sys, if that is procfs: an image may have a link there."""
        path = self.key.replace(".", "/") if "/" not in self.key else self.key
        proc = inside.opened(stage.root, "/proc", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if filesystem_magic(proc) != PROC_MAGIC:
                raise Invalid("/proc of the container is not procfs")
            resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
            fd = openat2(proc, f"sys/{path}", os.O_WRONLY, resolve=resolve)
        finally:
            os.close(proc)
        try:
            if filesystem_magic(fd) != PROC_MAGIC:
                raise Invalid(f"/proc/sys/{path} of the container is not procfs")
            os.write(fd, str(self.value).encode())
        finally:
            os.close(fd)


class LoopbackUp(Operation):
    """A new network namespace has a loopback device that is down."""

    def describe(self) -> str:
        """`bring lo up`."""
        return "bring lo up"

    def execute(self, stage: Stage) -> None:
        """SIOCSIFFLAGS, netdevice(7)."""
        del stage
        import _socket
        import fcntl
        import struct

        link = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
            fcntl.ioctl(link.fileno(), 0x8914, request)
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
        finally:
            link.close()


def check_sysctls(sysctls: dict[str, str], namespaces: Namespaces) -> None:
    """Only what belongs to a namespace that the container does not share with the runtime."""
    for key in sysctls:
        name = key.replace("/", ".")
        if name in _IPC_SYSCTLS or name.startswith("fs.mqueue."):
            private = namespaces.is_private("ipc")
        elif name.startswith("net."):
            private = namespaces.is_private("network")
        elif name in ("kernel.hostname", "kernel.domainname"):
            private = namespaces.is_private("uts")
        else:
            raise Invalid(f"sysctl {key!r} is not in a separate kernel namespace")
        if not private:
            raise Invalid(f"sysctl {key!r} not allowed in host namespace of its kind")
