"""What the creator and the new process say to each other until the process is ready.

    creator                          process
    clone ───────────────────────▶   born in its namespaces
    write uid_map, gid_map
               ── MAPPED ────────▶   root of its user namespace        (with one only)
                                     moves itself into its group, mounts
               ◀── HOOKS ─────────   everything is mounted             (with hooks only)
    prestart, createRuntime
               ── GO ────────────▶   pivot_root ... becomes the user
               ◀── READY ─────────   waits at exec.fifo (init), or executes (exec)
               ◀── {error} ───────   at any time instead, and it is gone
               ◀── end of file ───   killed; or, for exec, executing

The end of the pipe tells each side that the other is gone: a process without its creator
before READY ends itself, so that a killed runtime leaves no half-made container running.
"""

import os

from boxship.kernel.ignoring import ignoring
from boxship.model import errors
from boxship.model.errors import BoxshipError, System
from boxship.runtime import documents

MAPPED, GO = b"m", b"g"
HOOKS, READY = b"h\n", b"r\n"
CLAIMED = b"c\n"  # become.py: there is something to take back


class CreatorGone(Exception):
    """The creator's end of the pipe is closed."""


class Channel:
    """The process's ends."""

    def __init__(self, reading: int, writing: int) -> None:
        """Both close on exec."""
        self.reading = reading
        self.writing = writing

    def close(self) -> None:
        """Nothing more to say; a process without a creator has one end only."""
        for fd in (self.reading, self.writing):
            if fd >= 0:
                os.close(fd)

    def wait_for(self, word: bytes) -> None:
        """Block until the creator says `word`."""
        said = os.read(self.reading, 1)
        if said != word:
            raise CreatorGone

    def say(self, word: bytes) -> None:
        """READY or HOOKS."""
        try:
            os.write(self.writing, word)
        except BrokenPipeError:
            raise CreatorGone from None

    def fail(self, error: BaseException) -> None:
        """The error, as the last word."""
        with ignoring(OSError):
            os.write(self.writing, to_json(error) + b"\n")


class Creator:
    """The creator's ends; `channel` is for the process."""

    def __init__(self) -> None:
        """Two pipes."""
        self._in, up = os.pipe()
        down, self._out = os.pipe()
        self.channel = Channel(down, up)
        self._rest = b""

    def let_go(self) -> None:
        """After clone: the process's ends are its own."""
        os.close(self.channel.reading)
        os.close(self.channel.writing)

    def tell(self, word: bytes) -> None:
        """MAPPED or GO; if the process is gone, `hear` will say why."""
        with ignoring(BrokenPipeError):
            os.write(self._out, word)

    def hear(self) -> bytes:
        """READY or HOOKS, or b'' at the end of the pipe; an error is raised."""
        while b"\n" not in self._rest:
            chunk = os.read(self._in, 65536)
            if not chunk:
                return b""
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        if line.startswith(b"{"):
            raise from_json(line)
        return line + b"\n"

    def close(self) -> None:
        """Both ends."""
        os.close(self._in)
        os.close(self._out)


def to_json(error: BaseException) -> bytes:
    """An error as one line."""
    kind, message, hint = "System", f"{type(error).__name__}: {error}", ""
    if isinstance(error, BoxshipError):
        kind, message, hint = type(error).__name__, error.message, error.hint
    return documents.render({"kind": kind, "message": message, "hint": hint}).encode()


def from_json(line: bytes) -> BoxshipError:
    """The error again, of its kind."""
    said = documents.parse(line, "the error")
    kind: type[BoxshipError] = getattr(errors, said["kind"], System)
    return kind(said["message"], hint=said["hint"])
