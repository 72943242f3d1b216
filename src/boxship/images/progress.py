"""The messages that a pull sends while it runs: Docker's JSON, word for word."""

from collections.abc import Callable
from time import monotonic
from typing import Any

Progress = Callable[[dict[str, Any]], None]

_WIDTH = 50
_INTERVAL_S = 0.1


def ignore(message: dict[str, Any]) -> None:
    """Progress that nobody wants to see."""


def status(text: str, about: str = "") -> dict[str, Any]:
    """A line about the whole."""
    return {"status": text, "id": about} if about else {"status": text}


def of_layer(text: str, about: str) -> dict[str, Any]:
    """A step that a layer has reached."""
    return {"status": text, "progressDetail": {}, "id": about}


def amount(text: str, about: str, current: int, total: int) -> dict[str, Any]:
    """How far a step of a layer has come."""
    detail = {"current": current, "total": total}
    bar = _bar(current, total)
    return {"status": text, "progressDetail": detail, "progress": bar, "id": about}


class Meter:
    """Counts bytes of one step and reports now and then."""

    def __init__(self, report: Progress, text: str, about: str, total: int) -> None:
        """Begin at nothing."""
        self._report = report
        self._text = text
        self._about = about
        self._total = total
        self._next = 0.0
        self.current = 0

    def add(self, count: int) -> None:
        """`count` bytes more."""
        self.current += count
        now = monotonic()
        if now >= self._next or self.current >= self._total:
            self._next = now + _INTERVAL_S
            self._report(amount(self._text, self._about, self.current, self._total))


def _bar(current: int, total: int) -> str:
    if total <= 0 or current > total:
        return f"{human_size(current):>8}"
    filled = min(int(current / total * 100) // 2, _WIDTH)
    box = "=" * filled + ">" + " " * (_WIDTH - filled)
    return f"[{box}] {human_size(current):>8}/{human_size(total)}"


def human_size(size: int) -> str:
    """A size in decimal units with four digits, as Docker prints it."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if value < 1000 or unit == "PB":
            return f"{value:.4g}{unit}"
        value /= 1000
    return ""
