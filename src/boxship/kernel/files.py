"""Files below a root that is not trusted: openat2(2)."""

import ctypes
import os

from boxship.kernel.libc import c_char_p, c_int, c_long, c_size_t, checked, libc

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_SYS_OPENAT2 = 437


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def openat2(dirfd: int, path: str | bytes, flags: int, *, mode: int = 0, resolve: int = 0) -> int:
    """openat2(2), always close-on-exec: a descriptor of `path`, resolved as `resolve` allows."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    done = libc.syscall(
        c_long(_SYS_OPENAT2), c_int(dirfd), c_char_p(os.fsencode(path)),
        ctypes.byref(how), c_size_t(ctypes.sizeof(how)),
    )  # fmt: skip
    return checked(done, "openat2", os.fsdecode(path))


def open_in_root(root_fd: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """Open `path` as a process whose root is `root_fd` would: no link leads out of it."""
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
    return openat2(root_fd, path or ".", flags, mode=mode, resolve=resolve)
