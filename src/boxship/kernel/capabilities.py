"""Capabilities: capset(2), the bounding and the ambient set (capabilities(7))."""

import ctypes
import os

from boxship.kernel.libc import c_long, checked, libc
from boxship.kernel.process import PR_SET_KEEPCAPS, prctl

PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4

_VERSION_3 = 0x20080522
_SYS_CAPSET = 126 if os.uname().machine == "x86_64" else 91

# By number, as in <linux/capability.h>.
NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
    "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
    "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(NAMES)}


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def mask(names: "list[str] | None") -> int:
    """The set as bits; a name that this table does not have counts as not granted."""
    bits = 0
    for name in names or ():
        number = NUMBERS.get(name.upper())
        if number is not None:
            bits |= 1 << number
    return bits


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2) of the calling thread."""
    data = (_Data * 2)()
    for half in range(2):
        shift = 32 * half
        data[half].effective = effective >> shift & 0xFFFFFFFF
        data[half].permitted = permitted >> shift & 0xFFFFFFFF
        data[half].inheritable = inheritable >> shift & 0xFFFFFFFF
    header = _Header(_VERSION_3, 0)
    done = libc.syscall(c_long(_SYS_CAPSET), ctypes.byref(header), ctypes.byref(data))
    checked(done, "capset", hex(permitted))


def keep_capabilities(keep: bool) -> None:
    """Whether a change from uid 0 to another keeps the permitted set."""
    prctl(PR_SET_KEEPCAPS, int(keep))


def held(own_fds: int) -> dict[str, int]:
    """The sets of the calling process, by the procfs that `own_fds`, its fd directory, is in."""
    fd = os.open("../status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=own_fds)
    try:
        return parse_status(os.read(fd, 1 << 16))
    finally:
        os.close(fd)


def parse_status(text: bytes) -> dict[str, int]:
    """The capability lines of /proc/pid/status."""
    lines = (line.split(b":\t") for line in text.splitlines() if line.startswith(b"Cap"))
    return {name.decode(): int(value, 16) for name, value in lines}


def drop_from_bounding_set(keep: int, held: int) -> None:
    """Drop every capability of `held` that is not in `keep`."""
    for number in range(held.bit_length()):
        bit = 1 << number
        if held & bit and not keep & bit:
            prctl(PR_CAPBSET_DROP, number)


def set_ambient(bits: int) -> None:
    """Raise exactly `bits`; what is not permitted and inheritable is left out, as runc does."""
    checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl ambient clear")
    for number in range(bits.bit_length()):
        if bits >> number & 1:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0)
