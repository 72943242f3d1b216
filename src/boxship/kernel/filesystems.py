"""What a mounted file system is, and the attributes of a mount: statfs(2), mount_setattr(2)."""

import ctypes
import os

from boxship.kernel.libc import c_char_p, c_int, c_long, c_size_t, c_uint, checked, libc

PROC_MAGIC = 0x9FA0
SYSFS_MAGIC = 0x62656572
DEVPTS_MAGIC = 0x1CD1
TMPFS_MAGIC = 0x01021994
CGROUP_MAGIC = 0x27E0EB
CGROUP2_MAGIC = 0x63677270

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR__ATIME = 0x70
MOUNT_ATTR_RELATIME = 0x0
MOUNT_ATTR_NOATIME = 0x10
MOUNT_ATTR_STRICTATIME = 0x20
MOUNT_ATTR_NODIRATIME = 0x80
MOUNT_ATTR_IDMAP = 0x100000
MOUNT_ATTR_NOSYMFOLLOW = 0x200000

FSCONFIG_SET_FLAG = 0
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_SYS_FSCONFIG = 431
_SYS_MOUNT_SETATTR = 442


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def filesystem_magic(fd: int) -> int:
    """fstatfs(2), field f_type: which kind of file system `fd` is on."""
    buffer = (ctypes.c_long * 32)()
    checked(libc.fstatfs(c_int(fd), ctypes.byref(buffer)), "fstatfs", fd)
    return int(buffer[0]) & 0xFFFFFFFF


class Attributes:
    """What mount_setattr(2) changes: attributes to set and to clear, propagation, an id map."""

    __slots__ = ("clear", "propagation", "set", "userns_fd")

    def __init__(
        self, set_: int = 0, clear: int = 0, propagation: int = 0, userns: int = 0
    ) -> None:
        """Nothing is changed that is not named."""
        self.set = set_
        self.clear = clear
        self.propagation = propagation
        self.userns_fd = userns

    def __bool__(self) -> bool:
        return bool(self.set or self.clear or self.propagation)


def mount_setattr(fd: int, attributes: Attributes, *, recursive: bool = False) -> None:
    """mount_setattr(2) of the mount that `fd` is."""
    attr = _MountAttr(
        attributes.set, attributes.clear, attributes.propagation, attributes.userns_fd
    )
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    done = libc.syscall(
        c_long(_SYS_MOUNT_SETATTR), c_int(fd), c_char_p(b""), c_uint(flags),
        ctypes.byref(attr), c_size_t(ctypes.sizeof(attr)),
    )  # fmt: skip
    checked(done, "mount_setattr", f"set={attr.attr_set:#x} clear={attr.attr_clr:#x}")


def fsconfig_flag(fd: int, key: str) -> None:
    """fsconfig(2), FSCONFIG_SET_FLAG."""
    done = libc.syscall(
        c_long(_SYS_FSCONFIG), c_int(fd), c_uint(FSCONFIG_SET_FLAG),
        c_char_p(os.fsencode(key)), c_char_p(None), c_int(0),
    )  # fmt: skip
    checked(done, "fsconfig", key)


def fsopen_complaint(fd: int) -> str:
    """What the file system itself said was wrong, or ''."""
    try:
        return os.read(fd, 512).decode(errors="replace")[2:].strip()
    except OSError:
        return ""
