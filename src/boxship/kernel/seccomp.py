"""seccomp(2): load a compiled filter.  Compiling is in seccomp_filter.py, imported when needed."""

import ctypes
import os

from boxship.kernel.libc import c_long, c_uint, checked, libc

_SYS_SECCOMP = 317 if os.uname().machine == "x86_64" else 277
_SECCOMP_SET_MODE_FILTER = 1

FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1,
    "SECCOMP_FILTER_FLAG_LOG": 2,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
}
FILTER_FLAG_NEW_LISTENER = 8
INSTRUCTION_SIZE = 8


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class Filter:
    """Bytes of a BPF program, laid out beforehand so that loading is one system call."""

    __slots__ = ("_code", "_flags", "_program")

    def __init__(self, code: bytes, flags: int = 0) -> None:
        """`flags` are those of seccomp(2)."""
        self._code = code
        self._flags = flags
        self._program = _Program(len(code) // INSTRUCTION_SIZE, code)

    def load(self) -> int:
        """Load it for this thread: needs no_new_privs, or CAP_SYS_ADMIN.

        The result is the listener's descriptor where the flags ask for one, else 0.
        """
        done = libc.syscall(
            c_long(_SYS_SECCOMP), c_uint(_SECCOMP_SET_MODE_FILTER), c_uint(self._flags),
            ctypes.byref(self._program),
        )  # fmt: skip
        return checked(int(done), "seccomp", f"{self._program.len} instructions")
