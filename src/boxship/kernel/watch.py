"""inotify(7) for one file of the kernel: who needs more uses inotify.py."""

import os

from boxship.kernel.libc import c_char_p, c_int, c_uint, checked, libc

IN_MODIFY = 2


def watch_modified(path: str) -> int:
    """A non-blocking, close-on-exec descriptor that is readable when `path` was modified."""
    fd = checked(libc.inotify_init1(c_int(os.O_NONBLOCK | os.O_CLOEXEC)), "inotify_init1")
    done = libc.inotify_add_watch(c_int(fd), c_char_p(os.fsencode(path)), c_uint(IN_MODIFY))
    if done < 0:
        os.close(fd)
    checked(done, "inotify_add_watch", path)
    return fd
