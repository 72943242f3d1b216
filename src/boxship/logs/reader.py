"""Reading a json-file log: what `docker logs` shows, whole chunks at a time.  See records.py."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from boxship.kernel import inotify
from boxship.logs.files import Cursor
from boxship.logs.records import Run, fixed_time, runs
from boxship.wire import stdio

_NEVER = b"9999"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which lines, and in which form.

    `tail` counts lines of both streams, before all other choices, as Docker does; -1: all.
    Times are nanoseconds since 1970; 0: no limit.  `framed`: one stdio frame per line, else raw.
    """

    tail: int = -1
    since_ns: int = 0
    until_ns: int = 0
    stdout: bool = True
    stderr: bool = True
    timestamps: bool = False
    details: bool = False
    framed: bool = True


def read(path: str, options: ReadOptions) -> Iterator[bytes]:
    """What the log at `path` holds now, ready for a client; nothing when there is no such file."""
    cursor = Cursor(path, options.tail)
    form = _Form(options)
    try:
        cursor.stop_at_present_end()
        while not form.done and (lines := cursor.next_lines()):
            if text := form.apply(lines):
                yield text
    finally:
        cursor.close()


class Follower:
    """A log from the asked place to its end, and whatever is written afterwards.

    Wait until `fileno()` is readable, then call `read_available` until it returns b"", or, where
    nobody may be held up by a long log of which nothing is wanted, `read_some` until it is None.
    """

    def __init__(self, path: str, options: ReadOptions) -> None:
        """Begin to watch: nothing written from now on is missed."""
        self._fd = inotify.inotify_init1()
        mask = inotify.IN_MODIFY | inotify.IN_CREATE | inotify.IN_MOVED_TO | inotify.IN_DELETE_SELF
        try:
            inotify.inotify_add_watch(self._fd, os.path.dirname(path) or ".", mask)
        except OSError:
            os.close(self._fd)
            raise
        try:
            self._cursor = Cursor(path, options.tail)
        except BaseException:
            os.close(self._fd)
            raise
        self._form = _Form(options)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._fd

    @property
    def done(self) -> bool:
        """Whether the log has passed `until`: nothing will come any more."""
        return self._form.done

    def read_available(self) -> bytes:
        """The next piece for the client; b"" when all that is there was returned."""
        while (text := self.read_some()) is not None:
            if text:
                return text
        return b""

    def read_some(self) -> bytes | None:
        """What the next megabyte has for the client, perhaps nothing; None at the end for now."""
        inotify.drain(self._fd)
        if self._form.done or not (lines := self._cursor.next_lines()):
            return None
        return self._form.apply(lines)

    def close(self) -> None:
        """Stop watching."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._cursor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def follow(path: str, options: ReadOptions) -> Follower:
    """The log as `read` shows it, and its future."""
    return Follower(path, options)


class _Form:
    """Lines of the file -> bytes for the client."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._streams = {1: options.stdout, 2: options.stderr}
        self._since = fixed_time(options.since_ns) if options.since_ns else b""
        self._until = fixed_time(options.until_ns) if options.until_ns else _NEVER
        self._headers = {1: _Headers(1), 2: _Headers(2)}
        self.done = False

    def apply(self, lines: bytes) -> bytes:
        out: list[bytes] = []
        for run in runs(lines):
            if run.time > self._until:
                self.done = True
                break
            if self._streams[run.stream] and run.time >= self._since:
                self._append(out, run)
        return b"".join(out)

    def _append(self, out: list[bytes], run: Run) -> None:
        prefix = self._prefix(run)
        if not self._options.framed:
            out.append(_prefixed(prefix, run.text) if prefix else run.text)
            return
        headers = self._headers[run.stream]
        *whole, rest = run.text.split(b"\n")
        extra = len(prefix) + 1
        for line in whole:
            out += (headers[len(line) + extra], prefix, line, b"\n")
        if rest or not whole:
            out += (headers[len(rest) + extra - 1], prefix, rest)

    def _prefix(self, run: Run) -> bytes:
        prefix = run.time + b" " if self._options.timestamps else b""
        return prefix + run.details() + b" " if self._options.details else prefix


class _Headers(dict[int, bytes]):
    """The frame header of each length of a stream, made once."""

    def __init__(self, stream: int) -> None:
        super().__init__()
        self._stream = stream

    def __missing__(self, length: int) -> bytes:
        header = stdio.header(self._stream, length)
        if len(self) < 4096:
            self[length] = header
        return header


def _prefixed(prefix: bytes, text: bytes) -> bytes:
    body = text[:-1] if text.endswith(b"\n") else text
    return prefix + body.replace(b"\n", b"\n" + prefix) + text[len(body) :]
