"""The functions of a template: Go's own, and those that the docker client adds."""

from boxship.wire.gotemplate import encoding, printing
from boxship.wire.gotemplate.errors import CallError
from boxship.wire.gotemplate.values import (
    NO_VALUE,
    Map,
    Number,
    Slice,
    Struct,
    is_nil,
    length,
    type_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.wire.gotemplate.values import Value

INCOMPATIBLE = "incompatible types for comparison"
INVALID = "invalid type for comparison"


class Function:
    """A callable and the Go types of its arguments; `rest` is the type of the variadic ones."""

    __slots__ = ("call", "rest", "types")

    def __init__(self, call: "Callable[..., Value]", *types: str, rest: str | None = None) -> None:
        """Types are any, string, int and []string."""
        self.call = call
        self.types = types
        self.rest = rest


# comparison


def kind_of(value: "Value") -> str:
    """Go's basic kind, for comparisons."""
    for python, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(value, python):
            return name
    return ""


def equal(first: "Value", *others: "Value") -> bool:
    """`eq`: whether the first equals one of the others."""
    if not others:
        raise CallError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(one: "Value", other: "Value") -> bool:
    kind, against = kind_of(one), kind_of(other)
    if kind and kind == against:
        return bool(one == other)
    if kind and against:
        raise CallError(INCOMPATIBLE)
    if is_nil(one) or is_nil(other):
        return is_nil(one) and is_nil(other)
    for value in (one, other):
        if isinstance(value, (list, dict)):
            raise CallError(f"non-comparable type {printing.show(value)}: {type_of(value)}")
    raise CallError(INCOMPATIBLE)


def less(one: "Value", other: "Value") -> bool:
    """`lt`."""
    kind, against = kind_of(one), kind_of(other)
    if not kind or not against:
        raise CallError(INVALID)
    if kind != against:
        raise CallError(INCOMPATIBLE)
    if kind == "bool":
        raise CallError(INVALID)
    return bool(one < other)


def less_or_equal(one: "Value", other: "Value") -> bool:
    """`le`."""
    return less(one, other) or _same(one, other)


# parts of values


def index(item: "Value", *indices: "Value") -> "Value":
    """`index x 1 2`: x[1][2]."""
    if item is None or item is NO_VALUE:
        raise CallError("index of untyped nil")
    for at in indices:
        item = _indexed(item, at)
    return item


def _indexed(item: "Value", at: "Value") -> "Value":
    if isinstance(item, dict):
        if isinstance(item, Map) and item.key != "string":
            raise CallError(f"value has type {type_of(at)}; should be {item.key}")
        if not isinstance(at, str):
            raise CallError(f"value has type {type_of(at)}; should be string")
        return item.get(at, item.zero if isinstance(item, Map) else NO_VALUE)
    if isinstance(item, (list, str)):
        size = length(item)
        position = _position(at, size)
        if position == size:
            kind = "string" if isinstance(item, str) else "slice"
            raise CallError(f"reflect: {kind} index out of range")
        return item.encode()[position] if isinstance(item, str) else item[position]
    if is_nil(item):
        raise CallError("index of nil pointer")
    raise CallError(f"can't index item of type {type_of(item)}")


def _position(at: "Value", limit: int) -> int:
    if at is None or at is NO_VALUE:
        raise CallError("cannot index slice/array with nil")
    if isinstance(at, bool) or not isinstance(at, int):
        raise CallError(f"cannot index slice/array with type {type_of(at)}")
    if at < 0 or at > limit:
        raise CallError(f"index out of range: {at}")
    return at


def cut(item: "Value", *indices: "Value") -> "Value":
    """`slice x 1 2`: x[1:2]."""
    if item is None or item is NO_VALUE:
        raise CallError("slice of untyped nil")
    if len(indices) > 3:
        raise CallError(f"too many slice indexes: {len(indices)}")
    if not isinstance(item, (str, list)):
        raise CallError(f"can't slice item of type {type_of(item)}")
    if isinstance(item, str) and len(indices) == 3:
        raise CallError("cannot 3-index slice a string")
    size = length(item)
    bounds = [_position(at, size) for at in indices]
    start = bounds[0] if bounds else 0
    stop = bounds[1] if len(bounds) > 1 else size
    if start > stop:
        raise CallError(f"invalid slice index: {start} > {stop}")
    if isinstance(item, str):
        return item.encode()[start:stop].decode(errors="surrogateescape")
    part = item[start:stop]
    return Slice(part, item.element) if isinstance(item, Slice) else part


# escaping


def _text(values: "tuple[Value, ...]") -> str:
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return printing.sprint(values)


def html(*values: "Value") -> str:
    """`html`: for HTML text."""
    table = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"}
    return "".join(table.get(char, char) for char in _text(values))


def js(*values: "Value") -> str:
    """`js`: for a JavaScript string."""
    table = {"\\": "\\\\", "'": "\\'", '"': '\\"'}
    hidden = "<>&="
    return "".join(
        table.get(char) or (f"\\u{ord(char):04X}" if char in hidden or ord(char) < 32 else char)
        for char in _text(values)
    )


SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def urlquery(*values: "Value") -> str:
    """`urlquery`: for a URL's query."""
    return "".join(
        chr(byte) if byte in SAFE else "+" if byte == 32 else f"%{byte:02X}"
        for byte in _text(values).encode()
    )


# what the docker client adds


def title(text: str) -> str:
    """`title`: the first letter of each word in upper case."""
    out: list[str] = []
    before = " "
    for char in text:
        starts = not (before.isalnum() or before in "_'")
        out.append(char.upper() if starts else char)
        before = char
    return "".join(out)


def pad(text: str, before: int, after: int) -> str:
    """`pad`: spaces around a text that is not empty."""
    return f"{' ' * before}{text}{' ' * after}" if text else ""


def truncate(text: str, size: int) -> str:
    """`truncate`: at most so many bytes."""
    data = text.encode()
    return text if len(data) < size else data[:size].decode(errors="ignore")


def split(text: str, separator: str) -> "Value":
    """`split`: strings.Split."""
    return Slice(text.split(separator) if separator else list(text))


def not_called(*_: "Value") -> "Value":
    """`and` and `or` are evaluated by the evaluator: they may stop early."""
    raise AssertionError("and, or: evaluated elsewhere")


GO = {
    "and": Function(not_called, "any", rest="any"),
    "or": Function(not_called, "any", rest="any"),
    "call": Function(lambda *_: (_ for _ in ()).throw(CallError("call of nil")), "any", rest="any"),
    "html": Function(html, rest="any"),
    "index": Function(index, "any", rest="any"),
    "slice": Function(cut, "any", rest="any"),
    "js": Function(js, rest="any"),
    "len": Function(length, "any"),
    "not": Function(lambda value: not _truth(value), "any"),
    "print": Function(lambda *values: printing.sprint(values), rest="any"),
    "printf": Function(
        lambda template, *values: printing.sprintf(template, values), "string", rest="any"
    ),
    "println": Function(lambda *values: printing.sprintln(values), rest="any"),
    "urlquery": Function(urlquery, rest="any"),
    "eq": Function(equal, "any", rest="any"),
    "ne": Function(lambda one, other: not _same(one, other), "any", "any"),
    "lt": Function(less, "any", "any"),
    "le": Function(less_or_equal, "any", "any"),
    "gt": Function(lambda one, other: not less_or_equal(one, other), "any", "any"),
    "ge": Function(lambda one, other: not less(one, other), "any", "any"),
}

DOCKER = {
    "json": Function(encoding.encode, "any"),
    "split": Function(split, "string", "string"),
    "join": Function(lambda parts, between: between.join(parts), "[]string", "string"),
    "title": Function(title, "string"),
    "lower": Function(lambda text: text.lower(), "string"),
    "upper": Function(lambda text: text.upper(), "string"),
    "pad": Function(pad, "string", "int", "int"),
    "truncate": Function(truncate, "string", "int"),
}

# In the header row of a table the column names stay as they are.
HEADER = {
    **GO,
    **DOCKER,
    "json": Function(lambda text: text, "any"),
    "title": Function(lambda text: text, "string"),
    "lower": Function(lambda text: text, "string"),
    "upper": Function(lambda text: text, "string"),
    "truncate": Function(lambda text, _: text, "string", "int"),
}

STANDARD = {**GO, **DOCKER}


def _truth(value: "Value") -> bool:
    from boxship.wire.gotemplate.values import is_true

    return is_true(value)


def fits(value: "Value", wanted: str) -> bool:
    """Whether a value may be handed to an argument of that type."""
    if wanted == "any":
        return True
    if wanted == "string":
        return isinstance(value, str) and not isinstance(value, Number)
    if wanted == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Slice) and value.element == "string"


def is_struct(value: "Value") -> bool:
    """Whether the value has fields."""
    return isinstance(value, Struct)
