"""What a container changed: its upper held against what lies below."""

import os
import stat

from boxship.storage import walking
from boxship.storage.view import View

MODIFIED, ADDED, DELETED = 0, 1, 2


def between(upper: str, below: View) -> list[tuple[str, int]]:
    """The changed paths in order, and the kind of each; the parents of a change changed too."""
    found: dict[str, int] = {}
    fd = os.open(upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for inner, _, _, status in walking.walk(fd):
            path = f"/{os.fsdecode(inner)}"
            kind = _kind(path, status, below)
            if kind is not None:
                found[path] = kind
                _parents_change(path.rpartition("/")[0], found)
    finally:
        os.close(fd)
    return sorted(found.items())


def _kind(path: str, status: os.stat_result, below: View) -> int | None:
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return DELETED
    known = below.lookup(os.fsencode(path.lstrip("/")))
    if known is None:
        return ADDED
    old = known.status
    if known.is_directory and stat.S_ISDIR(status.st_mode):
        same = (old.st_mode, old.st_uid, old.st_gid, old.st_mtime_ns) == (
            *(status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns),
        )
        return None if same else MODIFIED
    return MODIFIED


def _parents_change(directory: str, found: dict[str, int]) -> None:
    while directory:
        found.setdefault(directory, MODIFIED)
        directory = directory.rpartition("/")[0]
