"""Times as Docker writes them: stamps, and spans in words."""

import time

ZERO = "0001-01-01T00:00:00Z"
_SECOND = 1_000_000_000


def stamp(ns: int) -> str:
    """Nanoseconds since 1970 as RFC 3339, without zeros at the end; 0 is Go's zero time."""
    if not ns:
        return ZERO
    seconds, rest = divmod(ns, _SECOND)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


def whole_stamp(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339, without a fraction."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def span(ns: int) -> str:
    """A duration in the words of `docker ps`."""
    seconds = ns // _SECOND
    minutes, hours = seconds // 60, int(ns / _SECOND / 3600 + 0.5)
    if seconds < 60:
        return _short(seconds)
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    return _long(hours)


def _short(seconds: int) -> str:
    if seconds < 1:
        return "Less than a second"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _long(hours: int) -> str:
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{hours // 24 // 365} years"


def parse(text: str) -> int:
    """A time of a query (`1136073600`, `1136073600.000000001`, RFC 3339) as nanoseconds.

    ValueError with Go's words for anything else.
    """
    seconds, _, fraction = text.partition(".")
    try:
        return int(seconds) * _SECOND + int(fraction[:9].ljust(9, "0"))
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
