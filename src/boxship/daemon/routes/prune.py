"""What a prune takes: the filters that all of them share."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from boxship.daemon.filters import Filters, has_label
from boxship.daemon.views import images, moments
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def doomed(filters: Filters, labels: Mapping[str, str], created_ns: int) -> bool:
    """Whether something with these labels and this age is taken."""
    if not filters.labelled(labels):
        return False
    if any(has_label(labels, unwanted) for unwanted in filters.get("label!")):
        return False
    until = filters.get("until")
    if len(until) > 1:
        raise Invalid("more than one until filter specified")
    return not until or created_ns <= until_ns(until[0], time.time_ns())


def until_ns(text: str, now_ns: int) -> int:
    """A time, or a span before now (`24h`), as nanoseconds since 1970."""
    if _SPAN.fullmatch(text):
        seconds = sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
        return now_ns - int(seconds * 1e9)
    if "T" in text or "-" in text:
        return images.seconds(text) * 1_000_000_000
    try:
        return moments.parse(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
