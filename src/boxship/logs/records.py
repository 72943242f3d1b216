r"""Lines of a json-file log -> runs of text, three ways, the fast ones first.

1. Lines that our writer made of one chunk have one time: the frame between them is always the same
   bytes, and one replace in C takes it away from all of them.
2. Lines that only look as Docker writes them are taken apart by a regular expression.
3. Any other line is JSON.  One that is not even that (torn by a crash) is left out.

In 1 and 2 each `\\` first becomes one byte that JSON cannot hold: then every backslash left begins
an escape, and text that looks like a frame cannot be taken for one.
"""

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import quote_plus

_BEGIN = b'{"log":"'
_STREAM = b'","stream":"'
_HELD = b"\x01"
_WINDOW = 32 * 1024
_STREAMS = {b"stdout": 1, b"stderr": 2}

_LINE = re.compile(
    rb'\{"log":"(.*)","stream":"(stdout|stderr)"(?:,"attrs":(\{.*\}))?,"time":"([^"]*)"\}\n'
)
_CODE = re.compile(rb"\\u[0-9a-f]{4}")
_RUNES: dict[bytes, bytes] = {}
_SHORT = {b"\\r": b"\r", b"\\t": b"\t", b"\\b": b"\b", b"\\f": b"\f", b"\\/": b"/"}


class Run:
    """Neighbouring lines of one stream and one time; the last may be a partial one."""

    __slots__ = ("attrs", "stream", "text", "time")

    def __init__(self, stream: int, at: bytes, text: bytes, attrs: bytes = b"") -> None:
        """`at` as in the file; kept in nine decimals, so that times compare as bytes do."""
        self.stream = stream
        self.time = at if len(at) == 30 else _padded(at)
        self.text = text
        self.attrs = attrs

    def details(self) -> bytes:
        """The attributes as `docker logs --details` shows them."""
        if not self.attrs:
            return b""
        pairs = sorted(json.loads(self.attrs).items())
        return ",".join(f"{quote_plus(k)}={quote_plus(str(v))}" for k, v in pairs).encode()


def fixed_time(ns: int) -> bytes:
    """RFC 3339 with nine decimals."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{fraction:09}Z", time.gmtime(seconds)).encode()


def _padded(at: bytes) -> bytes:
    whole, _, fraction = at.removesuffix(b"Z").partition(b".")
    return whole + b"." + fraction.ljust(9, b"0") + b"Z"


def runs(lines: bytes) -> Iterator[Run]:
    """What `lines`, whole lines of the file, say; in order."""
    held = lines.replace(b"\\\\", _HELD) if b"\\\\" in lines else lines
    at = 0
    while at < len(held):
        end, repeats = _same_frame(held, at)
        run = _run_of(held, at, end) if repeats else None
        if run is None:
            end = _end_of_others(held, at, end)
            yield from _each_line(held[at:end])
        else:
            yield run
        at = end


def _end_of_others(held: bytes, at: int, end: int) -> int:
    # Short runs: do not look for the next long one before some 16 KiB.
    return held.find(b"\n", max(end - 1, at + _WINDOW // 2)) + 1 or len(held)


def _same_frame(held: bytes, at: int) -> tuple[int, bool]:
    """Where the lines that end as the line at `at` does are at their end; if there are some."""
    end = held.find(b"\n", at) + 1
    frame = held[max(held.rfind(_STREAM, at, end), at) : end]
    begin = end
    while (found := held.rfind(frame, end, end + _WINDOW)) >= 0:
        end = found + len(frame)
    return end, end > begin


def _run_of(held: bytes, at: int, end: int) -> Run | None:
    begin = held.rfind(_STREAM, at, end)
    frame = b"\\n" + held[begin:end]
    text = held[at + len(_BEGIN) : end].replace(frame + _BEGIN, b"\n")
    match = _LINE.fullmatch(_BEGIN + frame)
    if not match or not text.endswith(frame) or not held.startswith(_BEGIN, at):
        return None
    unescaped = _unescaped(text[: -len(frame)] + b"\n")
    if unescaped is None:
        return None
    return Run(_STREAMS[match[2]], match[4], unescaped, match[3] or b"")


def _each_line(held: bytes) -> Iterator[Run]:
    found = _LINE.findall(held)
    if len(found) != held.count(b"\n"):
        yield from _each_json(held)
        return
    for escaped, stream, attrs, at in found:
        ends = escaped.endswith(b"\\n")
        text = _unescaped(escaped[:-2] + b"\n" if ends else escaped)
        if text is None:
            yield from _each_json(
                b'{"log":"%b","stream":"%b","time":"%b"}\n' % (escaped, stream, at)
            )
        else:
            yield Run(_STREAMS[stream], at, text, attrs)


def _unescaped(escaped: bytes) -> bytes | None:
    """The text; or None when a bare quote shows that it is more than text, or an escape is rare."""
    if b"\\" not in escaped:
        return None if b'"' in escaped else escaped.replace(_HELD, b"\\")
    if escaped.count(b'"') != escaped.count(b'\\"'):
        return None
    text = escaped.replace(b'\\"', b'"')
    if b"\\u" in text:
        text = _CODE.sub(_rune, text)
    if b"\\" in text:
        for short, byte in _SHORT.items():
            text = text.replace(short, byte)
    return None if b"\\" in text else text.replace(_HELD, b"\\")


def _rune(match: re.Match[bytes]) -> bytes:
    code = match[0]
    if code not in _RUNES:
        number = int(code[2:], 16)
        # Half a pair, a newline and our own placeholder are left to the JSON parser.
        rare = 0xD800 <= number < 0xE000 or number in {0x01, 0x0A}
        _RUNES[code] = code if rare else chr(number).encode()
    return _RUNES[code]


def _each_json(held: bytes) -> Iterator[Run]:
    for line in held.replace(_HELD, b"\\\\").split(b"\n")[:-1]:
        try:
            record = json.loads(line)
            stream = _STREAMS[record["stream"].encode()]
            text = record["log"].encode("utf-8", "replace")
            attrs = json.dumps(record["attrs"]).encode() if record.get("attrs") else b""
            yield Run(stream, record["time"].encode(), text, attrs)
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
