"""The C library, loaded once, and how its errors become `OSError`."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)

c_char_p = ctypes.c_char_p
c_int = ctypes.c_int
c_long = ctypes.c_long
c_size_t = ctypes.c_size_t
c_uint = ctypes.c_uint
c_ulong = ctypes.c_ulong
c_void_p = ctypes.c_void_p

libc.syscall.restype = c_long


def os_error(call: str, *what: object) -> OSError:
    """The error of the call that just failed on this thread, saying which call and on what."""
    number = ctypes.get_errno()
    on = " ".join(str(item) for item in what)
    return OSError(number, f"{call} {on}: {os.strerror(number)}".replace(" :", ":"))


def checked(result: int, call: str, *what: object) -> int:
    """`result`, unless it is negative: then the `OSError` of `call`."""
    if result < 0:
        raise os_error(call, *what)
    return result
