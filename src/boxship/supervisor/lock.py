"""One supervisor per root."""

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxship.model.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(root: str) -> "Iterator[None]":
    """Hold the root; Conflict, with the pid of the holder, while another supervisor does.

    The kernel lets go of the lock when its holder ends, however it ends.
    """
    os.makedirs(root, mode=0o711, exist_ok=True)
    path = os.path.join(root, "supervisor.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise Conflict(
                f"another supervisor (pid {holder}) works on {root}",
                hint="stop it, or give this one another --root, --state and --address",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
