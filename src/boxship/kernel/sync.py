"""syncfs(2): what is written reaches the disk."""

from boxship.kernel.libc import c_int, checked, libc

libc.syncfs.argtypes = (c_int,)


def syncfs(fd: int) -> None:
    """Write out the whole file system that `fd` is on."""
    checked(libc.syncfs(fd), "syncfs", fd)
