"""Kinds of flags: how text becomes a value.  A bad text is a ValueError that says why.

A kind that repeats gathers its values in a list; `word` is what help calls the value.
"""

from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.api.docker.http import Json


class Kind:
    """One kind of value."""

    __slots__ = ("default", "parse", "repeats", "word")

    def __init__(
        self,
        word: str,
        parse: "Callable[[str], Json]",
        default: "Json" = None,
        *,
        repeats: bool = False,
    ) -> None:
        """`default` is the value of a flag that is not given; a list for one that repeats."""
        self.word = word
        self.parse = parse
        self.default = default
        self.repeats = repeats


def list_of(parse: "Callable[[str], Json]", word: str = "list") -> Kind:
    """A kind that repeats."""
    return Kind(word, parse, repeats=True)


def boolean(text: str) -> bool:
    """Go's strconv.ParseBool."""
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")


def integer(text: str) -> int:
    """A signed number of 64 bits, also 0x, 0o and 0b."""
    value = _number(text, "ParseInt")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return value


def unsigned(bits: int) -> "Callable[[str], int]":
    """A number without a sign, of so many bits."""

    def parse(text: str) -> int:
        if text.startswith(("-", "+")):
            raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: invalid syntax")
        value = _number(text, "ParseUint")
        if value >= 2**bits:
            raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: value out of range")
        return value

    return parse


def _number(text: str, function: str) -> int:
    try:
        plain = text.lstrip("+-")
        base = 8 if len(plain) > 1 and plain[0] == "0" and plain[1:].isdigit() else 0
        return int(text if text == text.strip() else "", base)
    except ValueError:
        raise ValueError(f"strconv.{function}: parsing {quote(text)}: invalid syntax") from None


_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def duration(text: str) -> int:
    """Go's time.ParseDuration, in nanoseconds."""
    rest = text[1:] if text[:1] in {"-", "+"} else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {quote(text)}")
    total = 0
    while rest:
        amount, rest = _span(rest, "0123456789.")
        unit, rest = _until(rest, "0123456789.")
        if not amount.strip(".") or amount.count(".") > 1:
            raise ValueError(f"time: invalid duration {quote(text)}")
        if not unit:
            raise ValueError(f"time: missing unit in duration {quote(text)}")
        if unit not in _NANOSECONDS:
            raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
        total += _scaled(amount, _NANOSECONDS[unit])
    return -total if text.startswith("-") else total


def _scaled(amount: str, unit: int) -> int:
    whole, _, fraction = amount.partition(".")
    return int(whole or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _span(text: str, characters: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and text[end] in characters:
        end += 1
    return text[:end], text[end:]


def _until(text: str, characters: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and text[end] not in characters:
        end += 1
    return text[:end], text[end:]


def size(text: str) -> int:
    """A size in bytes: 64m, 1.5gb, 512 KiB; the units count by 1024."""
    amount, unit = _span(text, "0123456789.")
    unit = unit.removeprefix(" ").lower()
    powers = {"": 0, "b": 0, **{p + s: i for i, p in enumerate("kmgtp", 1) for s in _SUFFIXES}}
    if not amount or amount.count(".") > 1 or amount == ".":
        raise ValueError(f"invalid size: '{text}'")
    if unit not in powers:
        raise ValueError(f"invalid suffix: '{unit}'")
    return int(float(amount) * 1024 ** powers[unit])


_SUFFIXES = ("", "b", "ib")


def size_or_unlimited(text: str) -> int:
    """The same, or -1."""
    return -1 if text == "-1" else size(text)


def cpus(text: str) -> int:
    """A number of CPUs, in billionths."""
    from fractions import Fraction

    try:
        value = Fraction(text) * 10**9
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"failed to parse {text} as a rational number") from None
    if value.denominator != 1:
        raise ValueError("value is too precise")
    return int(value)


def named_value(text: str) -> str:
    """`key=value`, or `key` alone."""
    return text


def filter_term(text: str) -> tuple[str, str]:
    """`--filter name=value`."""
    name, separator, value = text.partition("=")
    if not text:
        return "", ""
    if not separator:
        raise ValueError("bad format of filter (expected name=value)")
    return name.strip().lower(), value.strip()


BOOL = Kind("", boolean, default=False)
STRING = Kind("string", str, default="")
INT = Kind("int", integer, default=0)
UINT = Kind("uint", unsigned(64), default=0)
UINT16 = Kind("uint16", unsigned(16), default=0)
LIST = list_of(str)
ARRAY = list_of(str, "stringArray")
STRINGS = list_of(str, "strings")
MAP = list_of(named_value, "map")
DURATION = Kind("duration", duration, default=None)
BYTES = Kind("bytes", size, default=0)
BYTES_SIGNED = Kind("bytes", size_or_unlimited, default=0)
DECIMAL = Kind("decimal", cpus, default=0)
FILTER = list_of(filter_term, "filter")
