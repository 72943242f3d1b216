"""A log as a sequence of whole lines, across its rotated files."""

import os
from collections import deque

CHUNK = 1 << 20


class Cursor:
    """A place in a log that moves to its end, and on as the log grows."""

    def __init__(self, path: str, tail: int = -1) -> None:
        """At the first line, or with `tail` >= 0 before the last so many."""
        self._path = path
        self._files = deque(_open_all(path))
        self._at = 0
        self._limit: int | None = None
        if tail >= 0:
            self._go_back(tail)

    def stop_at_present_end(self) -> None:
        """Let `next_lines` end where the log ends now, however fast it grows."""
        self._limit = os.fstat(self._files[-1]).st_size if self._files else 0

    def next_lines(self) -> bytes:
        """The next whole lines, up to about a megabyte of them; b"" at the end of the log."""
        while True:
            none = not self._files
            last = len(self._files) < 2
            newer = _newer_than(self._path, self._files) if last and self._limit is None else []
            # Asked for newer files before the read: nothing is written to this one afterwards.
            lines = self._read_whole_lines(last)
            self._files.extend(newer)
            if lines:
                return lines
            if none and newer:
                continue
            if len(self._files) < 2:
                return b""
            os.close(self._files.popleft())
            self._at = 0

    def close(self) -> None:
        """Close all files."""
        while self._files:
            os.close(self._files.popleft())

    def _read_whole_lines(self, last: bool) -> bytes:
        if not self._files:
            return b""
        fd = self._files[0]
        size = CHUNK
        while True:
            if last and self._limit is not None:
                size = min(size, self._limit - self._at)
            data = os.pread(fd, size, self._at) if size > 0 else b""
            end = data.rfind(b"\n") + 1
            if end:
                self._at += end
                return data[:end]
            if len(data) < CHUNK or len(data) < size:
                break
            size *= 2
        if os.fstat(fd).st_size < self._at:
            self._at = 0  # Someone emptied the file; what is written from now on is new.
        return b""

    def _go_back(self, lines: int) -> None:
        files = list(self._files)
        for position in reversed(range(len(files))):
            offset, missing = _lines_from_end(files[position], lines)
            if missing == 0 or position == 0:
                for _ in range(position):
                    os.close(self._files.popleft())
                self._at = offset
                return
            lines = missing


def _lines_from_end(fd: int, lines: int) -> tuple[int, int]:
    """Where the last `lines` lines of a file begin, and how many it is short of them."""
    end = os.fstat(fd).st_size
    wanted = lines + 1  # The newline before the first wanted line, too.
    while end > 0:
        begin = max(end - CHUNK // 16, 0)
        block = os.pread(fd, end - begin, begin)
        found = block.count(b"\n")
        if found >= wanted:
            at = len(block)
            for _ in range(wanted):
                at = block.rfind(b"\n", 0, at)
            return begin + at + 1, 0
        wanted -= found
        end = begin
    return 0, max(wanted - 1, 0)


def _open_all(path: str) -> list[int]:
    """All files of a log, the oldest first."""
    while True:
        files: list[int] = []
        number = 0
        while (fd := _open(path, number)) is not None:
            files.insert(0, fd)
            number += 1
        # A rotation in the meantime would show a file twice, or never.
        if not files or _same_file(path, files[-1]):
            return files
        for fd in files:
            os.close(fd)


def _newer_than(path: str, files: "deque[int]") -> list[int]:
    """The files that rotation has put after the last of `files`, the oldest first."""
    if files and _same_file(path, files[-1]):
        return []
    known = os.fstat(files[-1]).st_ino if files else -1
    newer: list[int] = []
    number = 0
    while (fd := _open(path, number)) is not None:
        if os.fstat(fd).st_ino == known:
            os.close(fd)
            break
        newer.insert(0, fd)
        number += 1
    return newer


def _open(path: str, number: int) -> int | None:
    try:
        return os.open(f"{path}.{number}" if number else path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _same_file(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        # Between the two renames of a rotation: the file that we have is still the last one.
        return True
