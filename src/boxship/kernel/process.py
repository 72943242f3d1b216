"""Processes: clone(2), prctl(2), close_range(2), session keyrings, the names of a host."""

import ctypes
import os

from boxship.kernel.libc import c_char_p, c_int, c_long, c_uint, c_ulong, checked, libc
from boxship.kernel.namespaces import CLONE_PARENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SIGCHLD = 17

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NO_NEW_PRIVS = 38

CLOSE_RANGE_CLOEXEC = 4
KEYCTL_JOIN_SESSION_KEYRING = 1

_IS_X86 = os.uname().machine == "x86_64"
_SYS_KEYCTL = 250 if _IS_X86 else 219
_SYS_CLONE = 56 if _IS_X86 else 220
_SYS_CLONE3 = 435
_SYS_CLOSE_RANGE = 436
_CLONE_INTO_CGROUP = 0x200000000

libc.prctl.argtypes = (c_int, c_ulong, c_ulong, c_ulong, c_ulong)
libc.prctl.restype = c_int
libc.personality.argtypes = (c_ulong,)
libc.setdomainname.argtypes = (c_char_p, ctypes.c_size_t)

# PyDLL keeps the interpreter's lock over the call: the child is born holding it, as after fork(2).
_clone = ctypes.PyDLL(None, use_errno=True).syscall
_clone.argtypes = (c_long, c_ulong, c_ulong, c_ulong, c_ulong, c_ulong)
_clone.restype = c_long
_clone3 = ctypes.PyDLL(None, use_errno=True).syscall
_clone3.restype = c_long
_before_fork = ctypes.pythonapi.PyOS_BeforeFork
_after_fork_child = ctypes.pythonapi.PyOS_AfterFork_Child
_after_fork_parent = ctypes.pythonapi.PyOS_AfterFork_Parent


class _CloneArgs(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size",
            "tls", "set_tid", "set_tid_size", "cgroup",
        )
    )  # fmt: skip


def clone(flags: int, body: "Callable[[], object]", *, group: int = -1) -> int:
    """clone(2) without shared memory: `body` runs in the child, which never returns from here.

    One thread only, as with fork(2).  The child's exit status is 0, or 1 if `body` raises.
    `group` is the directory of a v2 control group for the child to be born in.
    """
    _before_fork()
    pid = (
        _clone_into(flags, group) if group >= 0 else _clone(_SYS_CLONE, flags | SIGCHLD, 0, 0, 0, 0)
    )
    if pid == 0:
        status = 1
        try:
            _after_fork_child()
            body()
            status = 0
        finally:
            os._exit(status)
    number = ctypes.get_errno()
    _after_fork_parent()
    ctypes.set_errno(number)
    return checked(pid, "clone", hex(flags))


def _clone_into(flags: int, group: int) -> int:
    """clone3(2), which alone knows groups."""
    # With CLONE_PARENT the exit signal is the caller's own, and clone3(2) wants none said.
    signal = 0 if flags & CLONE_PARENT else SIGCHLD
    wanted = _CloneArgs(flags=flags | _CLONE_INTO_CGROUP, exit_signal=signal, cgroup=group)
    size = c_ulong(ctypes.sizeof(wanted))
    return int(_clone3(c_long(_SYS_CLONE3), ctypes.byref(wanted), size))


def prctl(option: int, value: int = 0) -> int:
    """prctl(2) with one argument."""
    return checked(libc.prctl(option, value, 0, 0, 0), "prctl", option, value)


def close_on_exec(first: int) -> None:
    """close_range(2): every descriptor from `first` on is closed by the next execve(2)."""
    done = libc.syscall(
        c_long(_SYS_CLOSE_RANGE), c_uint(first), c_uint(0xFFFFFFFF), c_uint(CLOSE_RANGE_CLOEXEC)
    )
    checked(done, "close_range", first)


def join_session_keyring(name: str) -> None:
    """keyctl(2): a new session keyring, so that the caller's keys are not inherited."""
    done = libc.syscall(
        c_long(_SYS_KEYCTL), c_int(KEYCTL_JOIN_SESSION_KEYRING), c_char_p(os.fsencode(name))
    )
    checked(int(done), "keyctl join_session_keyring", name)


def personality(domain: int) -> None:
    """personality(2)."""
    checked(libc.personality(domain), "personality", hex(domain))


def setdomainname(name: str) -> None:
    """setdomainname(2)."""
    text = os.fsencode(name)
    checked(libc.setdomainname(text, len(text)), "setdomainname", name)


def close_range(first: int, last: int) -> None:
    """close_range(2): close the descriptors from `first` to `last`."""
    done = libc.syscall(c_long(_SYS_CLOSE_RANGE), c_uint(first), c_uint(last), c_uint(0))
    checked(done, "close_range", first, last)


def close_all_but(keep: "set[int]", first: int = 3) -> None:
    """Close every descriptor from `first` on that is not in `keep`."""
    for fd in sorted(fd for fd in keep if fd >= first):
        if fd > first:
            close_range(first, fd - 1)
        first = fd + 1
    close_range(first, 0xFFFFFFFF)
