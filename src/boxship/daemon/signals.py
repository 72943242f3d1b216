"""Signal names as people and images write them: 9, KILL, SIGKILL, RTMIN+3."""

from __future__ import annotations

import signal

from boxship.model.errors import Invalid

_NUMBERS = {s.name.removeprefix("SIG"): int(s) for s in signal.Signals}
_NUMBERS |= {"CLD": int(signal.SIGCHLD), "POLL": int(signal.SIGIO), "STKFLT": 16}
_LARGEST = 64


def number(text: str) -> int:
    """The number of a signal, or Invalid."""
    name = text.upper().removeprefix("SIG")
    if name.isascii() and name.isdigit():
        value = int(name)
    elif name.startswith(("RTMIN+", "RTMAX-")) and name[6:].isdigit():
        offset = int(name[6:])
        value = _NUMBERS["RTMIN"] + offset if name[3:6] == "IN+" else _NUMBERS["RTMAX"] - offset
    else:
        value = _NUMBERS.get(name, 0)
    if value <= 0:
        raise Invalid(f"invalid signal: {text}")
    if value > _LARGEST:
        raise Invalid(f"the linux daemon does not support signal {value}")
    return value
