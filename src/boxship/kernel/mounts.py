"""Mounts: mount(2), umount2(2), pivot_root(2) and the descriptor based calls of fsopen(2)."""

import os

from boxship.kernel.libc import c_char_p, c_int, c_long, c_uint, c_ulong, checked, libc

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_SILENT = 32768
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

MNT_FORCE = 1
MNT_DETACH = 2
MNT_EXPIRE = 4
UMOUNT_NOFOLLOW = 8

FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
MOVE_MOUNT_F_EMPTY_PATH = 4
MOVE_MOUNT_T_EMPTY_PATH = 0x40
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

# The same numbers on every architecture that Linux 5.2 and later knows.
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_FSOPEN = 430
_SYS_FSCONFIG = 431
_SYS_FSMOUNT = 432

libc.mount.argtypes = (c_char_p, c_char_p, c_char_p, c_ulong, c_char_p)
libc.mount.restype = c_int
libc.umount2.argtypes = (c_char_p, c_int)
libc.umount2.restype = c_int
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, 155)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def mount(
    source: str | None,
    target: str,
    fstype: str | None = None,
    flags: int = 0,
    data: str | None = None,
) -> None:
    """mount(2)."""
    done = libc.mount(_bytes(source), _bytes(target), _bytes(fstype), flags, _bytes(data))
    checked(done, "mount", source or fstype, "on", target)


def umount2(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    checked(libc.umount2(_bytes(target), flags), "umount", target)


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)."""
    new, old = c_char_p(_bytes(new_root)), c_char_p(_bytes(put_old))
    checked(libc.syscall(c_long(_SYS_PIVOT_ROOT), new, old), "pivot_root", new_root)


def fsopen(fstype: str) -> int:
    """fsopen(2): a descriptor of a filesystem being configured."""
    done = libc.syscall(c_long(_SYS_FSOPEN), c_char_p(_bytes(fstype)), c_uint(FSOPEN_CLOEXEC))
    return checked(done, "fsopen", fstype)


def fsconfig_string(fd: int, key: str, value: str) -> None:
    """fsconfig(2), FSCONFIG_SET_STRING."""
    done = libc.syscall(
        c_long(_SYS_FSCONFIG), c_int(fd), c_uint(FSCONFIG_SET_STRING),
        c_char_p(_bytes(key)), c_char_p(_bytes(value)), c_int(0),
    )  # fmt: skip
    checked(done, "fsconfig", f"{key}={value}")


def fsconfig_create(fd: int) -> None:
    """fsconfig(2), FSCONFIG_CMD_CREATE: make the superblock."""
    done = libc.syscall(
        c_long(_SYS_FSCONFIG), c_int(fd), c_uint(FSCONFIG_CMD_CREATE),
        c_char_p(None), c_char_p(None), c_int(0),
    )  # fmt: skip
    checked(done, "fsconfig", "create")


def fsmount(fd: int, attributes: int = 0) -> int:
    """fsmount(2): a descriptor of a detached mount."""
    done = libc.syscall(
        c_long(_SYS_FSMOUNT), c_int(fd), c_uint(FSMOUNT_CLOEXEC), c_uint(attributes)
    )
    return checked(done, "fsmount", fd)


def open_tree(dirfd: int, path: str, flags: int) -> int:
    """open_tree(2)."""
    done = libc.syscall(c_long(_SYS_OPEN_TREE), c_int(dirfd), c_char_p(_bytes(path)), c_uint(flags))
    return checked(done, "open_tree", path)


def move_mount(from_fd: int, to_dirfd: int, to_path: str = "", flags: int = 0) -> None:
    """move_mount(2) of the mount that `from_fd` is; an empty `to_path` means `to_dirfd` itself."""
    flags |= MOVE_MOUNT_F_EMPTY_PATH | (0 if to_path else MOVE_MOUNT_T_EMPTY_PATH)
    done = libc.syscall(
        c_long(_SYS_MOVE_MOUNT), c_int(from_fd), c_char_p(b""),
        c_int(to_dirfd), c_char_p(_bytes(to_path)), c_uint(flags),
    )  # fmt: skip
    checked(done, "move_mount", to_path or f"fd {to_dirfd}")
