"""A stream of progress: a line per layer on a terminal, a line per step elsewhere."""

import os

from boxship.cli import text
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.api.docker.http import Json

CLEAR = "\x1b[2K\r"
BAR = 50
# A narrower terminal gets the numbers without the bar.
ROOM_FOR_BAR = 110


class Display:
    """Shows the messages of one stream."""

    def __init__(self, descriptor: int, *, quiet: bool = False) -> None:
        """`descriptor` is where to; quiet shows nothing but still fails."""
        self.descriptor = descriptor
        self.quiet = quiet
        self.is_terminal = not quiet and os.isatty(descriptor)
        self.lines: dict[str, int] = {}
        self.columns = _columns(descriptor) if self.is_terminal else 0

    def show(self, messages: "Iterable[Json]") -> "list[Json]":
        """Until the end of the stream; the `aux` values in it."""
        found = []
        for message in messages:
            if "error" in message or "errorDetail" in message:
                detail = message.get("errorDetail") or {}
                raise Failure(detail.get("message") or message.get("error", "unknown error"))
            if "aux" in message:
                found.append(message["aux"])
            elif not self.quiet:
                self._write(self._shown(message))
        return found

    def _write(self, line: str) -> None:
        if line:
            os.write(self.descriptor, line.encode(errors="surrogateescape"))

    def _shown(self, message: "Json") -> str:
        identity = message.get("id", "")
        progress = message.get("progressDetail")
        if not (identity and progress is not None):
            # What is no progress ends the block of lines that are rewritten.
            self.lines = {}
            return self._line(message, None)
        before = ""
        if identity not in self.lines:
            self.lines[identity] = len(self.lines)
            before = "\n" if self.is_terminal else ""
        if not self.is_terminal:
            return before + self._line(message, progress)
        up = len(self.lines) - self.lines[identity]
        line = self._line(message, progress)
        return f"{before}\x1b[{up}A{line}\x1b[{up}B"

    def _line(self, message: "Json", progress: "Json") -> str:
        if "stream" in message:
            return str(message["stream"])
        bar = bar_of(progress, self.columns) if progress is not None else ""
        if bar and not self.is_terminal:
            return ""
        name = f"{message['id']}: " if message.get("id") else ""
        status = message.get("status", "")
        if progress is None or not self.is_terminal:
            return f"{name}{status}\n"
        return f"{CLEAR}{name}{status} {bar}\r"


def _columns(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns
    except OSError:
        return 200


def bar_of(progress: "Json", columns: int) -> str:
    """`[=====>     ]  1.2MB/3.4MB`, or the numbers alone."""
    current, total = progress.get("current", 0), progress.get("total", 0)
    if current <= 0 and total <= 0:
        return ""
    if total <= 0:
        if progress.get("units"):
            return f"{current} {progress['units']}"
        return text.size(current, 4).rjust(8)
    filled = min(int(current / total * 100) // 2, BAR)
    bar = f"[{'=' * filled}>{' ' * (BAR - filled)}] " if columns > ROOM_FOR_BAR else ""
    if progress.get("hidecounts"):
        return bar
    numbers = text.size(current, 4).rjust(8)
    return f"{bar}{numbers}" if current > total else f"{bar}{numbers}/{text.size(total, 4)}"
