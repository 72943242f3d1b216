"""What a shim tells the kernel about itself: subreaper, title, heap, the files it keeps."""

import os

from boxship.kernel.libc import c_char_p, c_int, c_size_t, c_void_p, libc
from boxship.kernel.process import prctl

PR_SET_CHILD_SUBREAPER = 36

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3


libc.mallopt.argtypes = (c_int, c_int)
libc.malloc_trim.argtypes = (c_size_t,)
libc.memcpy.argtypes = (c_void_p, c_char_p, c_size_t)
libc.memcpy.restype = c_void_p


def become_subreaper() -> None:
    """PR_SET_CHILD_SUBREAPER: orphans below this process become its children."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_title(title: str) -> None:
    """The name that ps(1) and top(1) show: the thread's (15 bytes) and the command line."""
    text = os.fsencode(title)
    _write_file("/proc/self/comm", text[:15])
    # proc_pid_stat(5): arg_start and arg_end are fields 48 and 49.
    fields = _read_file("/proc/self/stat").rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    if start and end > start:
        size = end - start
        libc.memcpy(start, text[: size - 1].ljust(size, b"\0"), size)


def _read_file(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


def _write_file(path: str, text: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)


def keep_heap_small() -> None:
    """mallopt(3): large buffers come from mmap(2) and go back at once, always."""
    libc.mallopt(M_MMAP_THRESHOLD, 128 * 1024)
    libc.mallopt(M_TRIM_THRESHOLD, 128 * 1024)


def trim_heap() -> None:
    """malloc_trim(3): give back what is free."""
    libc.malloc_trim(0)
