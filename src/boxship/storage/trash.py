"""What is removed: out of the way at once, deleted by a thread of its own.

Deleting a tree takes longer than all else in the life of a short container.  A crash leaves trash,
which is emptied at the next start.
"""

import os
import queue
import threading
from contextlib import suppress

from boxship.storage import trees


class Trash:
    """A folder on the same file system as what is thrown into it."""

    def __init__(self, path: str) -> None:
        """Use `path`, made if it is missing."""
        self._path = path
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._left = 0
        os.makedirs(path, mode=0o700, exist_ok=True)

    def throw(self, path: str) -> None:
        """Take `path` away; it is fine if it is gone already."""
        target = os.path.join(self._path, os.path.basename(path))
        try:
            os.rename(path, target)
        except FileNotFoundError:
            return
        except OSError:
            trees.remove_tree(path)  # something of that name is being deleted
            return
        with self._lock:
            self._left += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._delete, name="trash", daemon=True)
                self._thread.start()
        self._queue.put(target)

    def _delete(self) -> None:
        while (path := self._queue.get()) is not None:
            with suppress(OSError):
                trees.remove_tree(path)
            with self._lock:
                self._left -= 1
                self._idle.notify_all()

    def settle(self) -> None:
        """Wait until all is deleted."""
        with self._lock:
            self._idle.wait_for(lambda: self._left == 0)

    def empty(self) -> None:
        """Delete what an earlier process left."""
        self.settle()
        for name in os.listdir(self._path):
            trees.remove_tree(os.path.join(self._path, name))

    def close(self) -> None:
        """End the thread when all is deleted."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()
