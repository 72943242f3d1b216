"""/dev/shm of a container that shares it: a tmpfs on the host's side, bound into each of them."""

import os

from boxship.kernel import mounts

_FLAGS = mounts.MS_NOSUID | mounts.MS_NOEXEC | mounts.MS_NODEV


def mount_shm(path: str, size: int) -> None:
    """Mount one at `path`, unless it is there."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    if not os.path.ismount(path):
        mounts.mount("shm", path, "tmpfs", _FLAGS, f"mode=1777,size={size}")


def unmount_shm(path: str) -> None:
    """Unmount it; it is fine if it is not mounted."""
    while os.path.ismount(path):
        mounts.umount2(path, mounts.MNT_DETACH | mounts.UMOUNT_NOFOLLOW)
