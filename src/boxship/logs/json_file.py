r"""Docker's json-file log: bytes of a stream -> lines of JSON.

    {"log":"text\n","stream":"stdout","time":"2025-01-31T12:00:00.123456789Z"}

A chunk is escaped once as a whole, then each newline becomes the frame between two lines: a few
passes in C whatever the number of lines.  All lines of one chunk carry the same time.
"""

import codecs
import contextlib
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Docker cuts longer lines into partial ones: of so many bytes, all with the time of the first.
PARTIAL = 16 * 1024

_STREAMS = {1: b"stdout", 2: b"stderr"}

# What encoding/json's cousin in Docker escapes: mind that tab is \u0009 there, and < > & too.
_ESCAPES = {byte: b"\\u%04x" % byte for byte in (*range(0x20), *b"<>&")}
_ESCAPES |= {ord("\r"): b"\\r", ord('"'): b'\\"', ord("\\"): b"\\\\"}
_PLAIN = bytes(set(range(0x80)) - set(_ESCAPES)) + b"\n"
_BACKSLASH = ord("\\")


def _each_byte_replaced(error: UnicodeError) -> tuple[bytes, int]:
    # Docker writes one \ufffd for every byte that is no UTF-8, Python one for several.
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return b"\\ufffd" * (error.end - error.start), error.end


codecs.register_error("boxship.logs.ufffd", _each_byte_replaced)


def escape(data: bytes) -> bytes:
    r"""`data` as the inside of a JSON string, byte for byte as Docker does, but for newlines."""
    special = set(data.translate(None, _PLAIN))
    if not special:
        return data
    # The backslash first: the others bring new ones.
    for byte in sorted(special, key=_BACKSLASH.__ne__):
        if byte < 0x80:
            data = data.replace(bytes((byte,)), _ESCAPES[byte])
    return data if max(special) < 0x80 else _escape_runes(data)


def _escape_runes(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
        data = text.encode("utf-8", "boxship.logs.ufffd")
    if b"\xe2\x80" in data:
        data = data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return data


def timestamp(now_ns: int) -> bytes:
    """RFC 3339 with as many decimals as needed, as Go writes it."""
    seconds, fraction = divmod(now_ns, 1_000_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    if fraction:
        text += f".{fraction:09}".rstrip("0")
    return f"{text}Z".encode()


class Encoder:
    """One stream of one process: bytes in any pieces -> complete lines of the log."""

    def __init__(self, stream: int, attrs: bytes = b"") -> None:
        """Stream 1 or 2; `attrs` is a JSON object that every line carries, or empty."""
        with_attrs = b',"attrs":' + attrs if attrs else b""
        self._before_time = b'","stream":"' + _STREAMS[stream] + b'"' + with_attrs + b',"time":"'
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._partial_since = b""

    def feed(self, data: bytes, now_ns: int) -> bytes:
        """The lines that `data` completes; the begin of an unfinished one is kept."""
        end = data.rfind(b"\n") + 1
        if not end and self._rest_size + len(data) < PARTIAL:
            self._keep(data)
            return b""
        body = b"".join((*self._rest, data[:end] if end else data))
        self._rest.clear()
        self._rest_size = 0
        if end:
            self._keep(data[end:])
        now = timestamp(now_ns)
        if self._partial_since or not end or _has_long_line(body):
            return self._cut(body, now) + self._overlong_rest(now)
        return self._frame(body, now) + self._overlong_rest(now)

    def end(self, now_ns: int) -> bytes:
        """The stream is at its end: the unfinished line, as a partial one."""
        rest = b"".join(self._rest)
        self._rest.clear()
        self._rest_size = 0
        return self._partial(rest, timestamp(now_ns)) if rest else b""

    def _keep(self, data: bytes) -> None:
        if data:
            self._rest.append(data)
            self._rest_size += len(data)

    def _overlong_rest(self, now: bytes) -> bytes:
        if self._rest_size < PARTIAL:
            return b""
        rest = b"".join(self._rest)
        self._rest.clear()
        self._rest_size = 0
        return self._cut(rest, now)

    def _cut(self, body: bytes, now: bytes) -> bytes:
        # The slow way, a line at a time; whatever of the last one is under 16 KiB is kept.
        out = []
        for line in _lines(body):
            at = 0
            while len(line) - at > PARTIAL or (len(line) - at == PARTIAL and line[-1:] != b"\n"):
                out.append(self._partial(line[at : at + PARTIAL], now))
                at += PARTIAL
            if line.endswith(b"\n"):
                out.append(self._frame(line[at:], self._partial_since or now))
                self._partial_since = b""
            else:
                self._keep(line[at:])
        return b"".join(out)

    def _partial(self, text: bytes, now: bytes) -> bytes:
        self._partial_since = self._partial_since or now
        return b"".join(
            (b'{"log":"', escape(text), self._before_time, self._partial_since, b'"}\n')
        )

    def _frame(self, body: bytes, now: bytes) -> bytes:
        after = b"\\n" + self._before_time + now + b'"}\n'
        lines = escape(body[:-1]).replace(b"\n", after + b'{"log":"')
        return b"".join((b'{"log":"', lines, after))


def _lines(body: bytes) -> "Iterator[bytes]":
    at = 0
    while at < len(body):
        end = body.find(b"\n", at) + 1 or len(body)
        yield body[at:end]
        at = end


def _has_long_line(body: bytes) -> bool:
    # `body` ends with a newline.  A line is long when its first 16 KiB hold none.
    at = 0
    while at < len(body):
        end = body.rfind(b"\n", at, at + PARTIAL)
        if end < 0:
            return True
        at = end + 1
    return False


class Writer:
    """One container's log, appended to; rotated when it is larger than asked."""

    def __init__(
        self, path: str, *, max_size: int = -1, max_file: int = 1, attrs: bytes = b""
    ) -> None:
        """Open or make the file; a line that a dead writer left torn is cut off."""
        self._path = path
        self._max_size = max_size
        self._max_file = max_file
        self._encoders = {stream: Encoder(stream, attrs) for stream in _STREAMS}
        self._fd = _open(path)
        self._size = _without_torn_line(path, self._fd)

    def write(self, stream: int, data: bytes, now_ns: int) -> None:
        """Log `data` of `stream` (1 or 2).  After an error the file holds whole lines only."""
        self._append(self._encoders[stream].feed(data, now_ns))

    def end(self, stream: int, now_ns: int) -> None:
        """`stream` ended: log its unfinished line."""
        self._append(self._encoders[stream].end(now_ns))

    def close(self) -> None:
        """Close the file; end the streams before."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _append(self, lines: bytes) -> None:
        if self._max_size < 0:
            self._write_all(lines)
            return
        # As Docker: before each line, a file that has reached its size is rotated.
        while lines:
            if self._size >= self._max_size:
                self._rotate()
            end = lines.find(b"\n", max(self._max_size - self._size - 1, 0)) + 1 or len(lines)
            self._write_all(lines[:end])
            lines = lines[end:]

    def _write_all(self, lines: bytes) -> None:
        done = 0
        try:
            while done < len(lines):
                done += os.write(self._fd, memoryview(lines)[done:] if done else lines)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += done

    def _rotate(self) -> None:
        # A reader that has the old file open reads it to its end.  Each step is one rename: after a
        # crash at any point the log is whole, and a gap in the numbers is closed by the next turn.
        for number in range(self._max_file - 1, 1, -1):
            _rename_if_there(f"{self._path}.{number - 1}", f"{self._path}.{number}")
        if self._max_file > 1:
            _rename_if_there(self._path, f"{self._path}.1")
            fd = _open(self._path)
        else:
            fd = _open(f"{self._path}.new", os.O_TRUNC)
            os.rename(f"{self._path}.new", self._path)
        os.close(self._fd)
        self._fd = fd
        self._size = 0


def _open(path: str, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | flags, 0o640)


def _without_torn_line(path: str, fd: int) -> int:
    size = os.fstat(fd).st_size
    if not size:
        return 0
    with open(path, "rb", buffering=0) as log:
        end = size
        while end:
            begin = max(end - 64 * 1024, 0)
            newline = os.pread(log.fileno(), end - begin, begin).rfind(b"\n")
            if newline >= 0:
                end = begin + newline + 1
                break
            end = begin
    if end < size:
        os.ftruncate(fd, end)
    return end


def _rename_if_there(old: str, new: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rename(old, new)
