"""Namespaces: unshare(2), setns(2), and the flags that clone(2) shares with them."""

from boxship.kernel.libc import c_int, checked, libc

CLONE_NEWTIME = 0x00000080
CLONE_PARENT = 0x00008000
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# The type names of runtime-spec config-linux.md, "Namespaces", and the kernel's flag of each.
FLAGS = {
    "pid": CLONE_NEWPID,
    "network": CLONE_NEWNET,
    "mount": CLONE_NEWNS,
    "ipc": CLONE_NEWIPC,
    "uts": CLONE_NEWUTS,
    "user": CLONE_NEWUSER,
    "cgroup": CLONE_NEWCGROUP,
    "time": CLONE_NEWTIME,
}

libc.unshare.argtypes = (c_int,)
libc.setns.argtypes = (c_int, c_int)


def unshare(flags: int) -> None:
    """unshare(2): moves the calling thread."""
    checked(libc.unshare(flags), "unshare", hex(flags))


def setns(fd: int, kind: int = 0) -> None:
    """setns(2): moves the calling thread; `kind` is one CLONE_NEW flag, or 0 for what `fd` is."""
    checked(libc.setns(fd, kind), "setns", fd)
