"""Numbers and times as people read them, in Docker's words."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
MINUTE, HOUR, DAY = 60, 3600, 86400


def size(value: float, digits: int = 3) -> str:
    """1982467 to 1.98MB."""
    return _scaled(value, 1000.0, DECIMAL, digits)


def binary_size(value: float) -> str:
    """25277419520 to 23.54GiB."""
    return _scaled(value, 1024.0, BINARY, 4)


def _scaled(value: float, base: float, units: "Sequence[str]", digits: int) -> str:
    step = 0
    while value >= base and step < len(units) - 1:
        value /= base
        step += 1
    return f"{value:.{digits}g}{units[step]}"


def age(seconds: float) -> str:
    """How long: `3 days`, `About a minute`."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole < MINUTE:
        return _count(whole, "second")
    if whole < HOUR:
        return "About a minute" if whole < 2 * MINUTE else f"{whole // MINUTE} minutes"
    hours = int(seconds / HOUR + 0.5)
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    return _long_age(hours, seconds)


def _long_age(hours: int, seconds: float) -> str:
    days = hours // 24
    if days < 14:
        return f"{days} days"
    if days < 60:
        return f"{days // 7} weeks"
    if days < 730:
        return f"{days // 30} months"
    return f"{int(seconds / HOUR) // 24 // 365} years"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def ago(created: float, now: float) -> str:
    """`3 days ago`; N/A for a time that is not set."""
    return f"{age(now - created)} ago" if created > 0 else "N/A"


def go_time(seconds: float) -> str:
    """A time as Go's Time.String prints it, in the zone of this host."""
    local = time.localtime(seconds)
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", local)


def rfc3339(seconds: float) -> str:
    """2026-11-28T01:19:43+01:00, or Z where the zone is UTC."""
    local = time.localtime(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + zone(local)


def zone(local: time.struct_time) -> str:
    """The zone as RFC 3339 writes it."""
    offset = time.strftime("%z", local)
    return "Z" if offset in {"", "+0000"} else f"{offset[:3]}:{offset[3:5]}"


def seconds_of(timestamp: str) -> float:
    """RFC 3339 to seconds since 1970; 0 where it is none."""
    import calendar

    date, _, rest = timestamp.partition("T")
    clock = rest[:8]
    fraction, offset = _fraction_and_offset(rest[8:])
    try:
        base = calendar.timegm(time.strptime(f"{date}T{clock}", "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0.0
    return base + fraction - offset


def _fraction_and_offset(text: str) -> tuple[float, int]:
    end = 0
    while end < len(text) and text[end] in ".0123456789":
        end += 1
    fraction = float(text[:end]) if end > 1 else 0.0
    tail = text[end:]
    if len(tail) < 6 or tail[0] not in "+-":
        return fraction, 0
    seconds = int(tail[1:3]) * HOUR + int(tail[4:6]) * MINUTE
    return fraction, -seconds if tail[0] == "-" else seconds


def short_id(identity: str) -> str:
    """The first 12 digits, without `sha256:`."""
    return identity.partition(":")[2][:12] if ":" in identity else identity[:12]


def ellipsis(text: str, room: int) -> str:
    """The text, cut with a … if it is longer than the room."""
    return text if len(text) <= room else f"{text[: room - 1]}…"
