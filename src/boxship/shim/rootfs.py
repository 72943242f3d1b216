"""The mounts of a Create request, as snapshotters give them; our daemon asks for none."""

import os

from boxship.kernel.mounts import (
    MNT_DETACH,
    MS_BIND,
    MS_NOATIME,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_RELATIME,
    MS_REMOUNT,
    UMOUNT_NOFOLLOW,
    mount,
    umount2,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_FLAGS = {
    "bind": MS_BIND,
    "rbind": MS_BIND | MS_REC,
    "ro": MS_RDONLY,
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "noatime": MS_NOATIME,
    "relatime": MS_RELATIME,
}
_NOTHING = {"rw", "defaults", "suid", "dev", "exec"}


def mount_all(mounts: "Sequence[dict[str, Any]]", target: str) -> bool:
    """Mount all on `target`, the first first; whether there was any."""
    if mounts:
        os.makedirs(target, exist_ok=True)
    for index, wanted in enumerate(mounts):
        try:
            _mount(wanted, os.path.join(target, wanted["target"].lstrip("/")))
        except OSError:
            if index:
                unmount_all(target)
            raise
    return bool(mounts)


def unmount_all(target: str) -> None:
    """Take off whatever `mount_all` put there."""
    while True:
        try:
            umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW)
        except OSError:
            return


def _mount(wanted: "dict[str, Any]", target: str) -> None:
    flags = 0
    data = []
    for option in wanted["options"]:
        if option in _FLAGS:
            flags |= _FLAGS[option]
        elif option not in _NOTHING:
            data.append(option)
    kind = "bind" if flags & MS_BIND else wanted["type"]
    mount(wanted["source"], target, kind, flags, ",".join(data) or None)
    if flags & MS_BIND and flags & MS_RDONLY:
        # The kernel ignores the other flags of a bind mount until it is remounted.
        mount(None, target, None, flags | MS_REMOUNT)
