"""inotify(7): being told that something in a directory has changed."""

import os

from boxship.kernel.libc import c_char_p, c_int, c_uint, checked, libc

IN_MODIFY = 0x002
IN_ATTRIB = 0x004
IN_MOVED_FROM = 0x040
IN_MOVED_TO = 0x080
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400

IN_CLOEXEC = os.O_CLOEXEC
IN_NONBLOCK = os.O_NONBLOCK

libc.inotify_init1.argtypes = (c_int,)
libc.inotify_add_watch.argtypes = (c_int, c_char_p, c_uint)


def inotify_init1(flags: int = IN_CLOEXEC | IN_NONBLOCK) -> int:
    """inotify_init1(2): a descriptor that becomes readable on events."""
    return checked(libc.inotify_init1(flags), "inotify_init1")


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """inotify_add_watch(2): the watch descriptor."""
    return checked(libc.inotify_add_watch(fd, os.fsencode(path), mask), "inotify_add_watch", path)


def drain(fd: int) -> bool:
    """Forget all events that wait on a non-blocking `fd`; whether there was any."""
    seen = False
    while True:
        try:
            os.read(fd, 64 * 1024)
        except BlockingIOError:
            return seen
        seen = True
