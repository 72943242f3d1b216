"""How the kernel schedules a process: sched_setattr(2), ioprio_set(2)."""

import ctypes
import os

from boxship.kernel.libc import c_int, c_long, c_uint, checked, libc

_IS_X86 = os.uname().machine == "x86_64"
_SYS_SCHED_SETATTR = 314 if _IS_X86 else 274
_SYS_IOPRIO_SET = 251 if _IS_X86 else 30
_IOPRIO_WHO_PGRP = 2
_IOPRIO_CLASS_SHIFT = 13

POLICIES = {
    "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4,
    "SCHED_IDLE": 5, "SCHED_DEADLINE": 6,
}  # fmt: skip
FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01, "SCHED_FLAG_RECLAIM": 0x02, "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08, "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20, "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}  # fmt: skip
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}


class Attributes(ctypes.Structure):
    """struct sched_attr."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def sched_setattr(attributes: Attributes) -> None:
    """sched_setattr(2) of the calling thread."""
    attributes.size = ctypes.sizeof(attributes)
    done = libc.syscall(c_long(_SYS_SCHED_SETATTR), c_int(0), ctypes.byref(attributes), c_uint(0))
    checked(int(done), "sched_setattr", f"policy {attributes.policy}")


def ioprio_set(kind: int, level: int) -> None:
    """ioprio_set(2) of the calling process's group."""
    value = kind << _IOPRIO_CLASS_SHIFT | level
    done = libc.syscall(c_long(_SYS_IOPRIO_SET), c_int(_IOPRIO_WHO_PGRP), c_int(0), c_int(value))
    checked(int(done), "ioprio_set", value)
