"""What Go's fmt does: Sprint, Sprintln, Sprintf and the verbs that a template can use."""

from boxship.wire.gotemplate import floats
from boxship.wire.gotemplate.quoting import quote
from boxship.wire.gotemplate.values import NO_VALUE, Map, Pointer, Slice, Struct, type_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxship.wire.gotemplate.values import Value

DIGITS = "0123456789"


class Directive:
    """One `%...` of a format: flags, width, precision, verb."""

    __slots__ = ("flags", "precision", "verb", "width")

    def __init__(
        self, flags: str = "", width: int = 0, precision: int | None = None, verb: str = "v"
    ) -> None:
        """The parts as they were written."""
        self.flags = flags
        self.width = width
        self.precision = precision
        self.verb = verb

    def padded(self, text: str) -> str:
        """The text, filled up to the width."""
        if len(text) >= self.width:
            return text
        if "-" in self.flags:
            return text.ljust(self.width)
        if "0" not in self.flags:
            return text.rjust(self.width)
        if text[:1] in {"+", "-"}:
            return text[0] + text[1:].rjust(self.width - 1, "0")
        return text.rjust(self.width, "0")


PLAIN = Directive()


def sprint(values: "Sequence[Value]") -> str:
    """fmt.Sprint: a space between two operands when neither is a string."""
    out: list[str] = []
    for position, value in enumerate(values):
        if position and not isinstance(value, str) and not isinstance(values[position - 1], str):
            out.append(" ")
        out.append(show(value))
    return "".join(out)


def sprintln(values: "Sequence[Value]") -> str:
    """fmt.Sprintln: spaces between all, and a newline."""
    return " ".join(show(value) for value in values) + "\n"


def show(value: "Value") -> str:
    """%v."""
    return formatted(PLAIN, value)


def sprintf(template: str, values: "Sequence[Value]") -> str:
    """fmt.Sprintf."""
    return Formatter(template, values).run()


class Formatter:
    """One Sprintf: where it is in the format, and which value comes next."""

    def __init__(self, template: str, values: "Sequence[Value]") -> None:
        """Nothing printed yet."""
        self.template = template
        self.values = values
        self.pos = 0
        self.used = 0
        self.reordered = False

    def run(self) -> str:
        """The whole text."""
        out: list[str] = []
        while (start := self.template.find("%", self.pos)) >= 0:
            out.append(self.template[self.pos : start])
            self.pos = start + 1
            out.append(self._apply(self._directive()))
        out.append(self.template[self.pos :])
        if self.used < len(self.values) and not self.reordered:
            extra = ", ".join(f"{type_of(v)}={show(v)}" for v in self.values[self.used :])
            out.append(f"%!(EXTRA {extra})")
        return "".join(out)

    def _apply(self, directive: Directive) -> str:
        if directive.verb == "%":
            return "%"
        if not directive.verb:
            return "%!(NOVERB)"
        if self.used >= len(self.values):
            return f"%!{directive.verb}(MISSING)"
        self.used += 1
        return formatted(directive, self.values[self.used - 1])

    def _directive(self) -> Directive:
        flags = self._span("+-# 0")
        width = self._amount()
        precision: int | None = None
        if self._peek() == ".":
            self.pos += 1
            precision = self._amount() or 0
        self._index()
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        verb = self._peek()
        self.pos += 1
        return Directive(flags, width or 0, precision, verb)

    def _peek(self) -> str:
        return self.template[self.pos : self.pos + 1]

    def _span(self, characters: str) -> str:
        start = self.pos
        while self._peek() and self._peek() in characters:
            self.pos += 1
        return self.template[start : self.pos]

    def _index(self) -> None:
        """`[2]`: the second value is next."""
        end = self.template.find("]", self.pos)
        if self._peek() != "[" or not self.template[self.pos + 1 : end].isdigit():
            return
        self.used = int(self.template[self.pos + 1 : end]) - 1
        self.pos = end + 1
        self.reordered = True

    def _amount(self) -> int | None:
        self._index()
        if self._peek() == "*" and self.used < len(self.values):
            self.pos += 1
            self.used += 1
            value = self.values[self.used - 1]
            return value if isinstance(value, int) else 0
        digits = self._span(DIGITS)
        return int(digits) if digits else None


def formatted(directive: Directive, value: "Value") -> str:
    """One value by one directive."""
    if directive.verb == "T":
        return directive.padded(type_of(value))
    if value is None or value is NO_VALUE:
        return _nothing(directive, value)
    for kind, function in _KINDS:
        if isinstance(value, kind):
            return function(directive, value)
    return directive.padded(str(value))


def _nothing(directive: Directive, value: "Value") -> str:
    if directive.verb != "v":
        return f"%!{directive.verb}(<nil>)"
    return directive.padded("<nil>" if value is None else "<no value>")


def _bad(directive: Directive, value: "Value") -> str:
    return f"%!{directive.verb}({type_of(value)}={show(value)})"


def _boolean(directive: Directive, value: bool) -> str:
    if directive.verb not in {"v", "t"}:
        return _bad(directive, value)
    return directive.padded("true" if value else "false")


def _string(directive: Directive, value: str) -> str:
    verb = directive.verb
    if verb in {"x", "X"}:
        return directive.padded(_hex_bytes(directive, value))
    if verb not in {"v", "s", "q"}:
        return _bad(directive, value)
    if directive.precision is not None:
        value = value[: directive.precision]
    if verb == "q" and "#" in directive.flags and _can_be_raw(value):
        return directive.padded(f"`{value}`")
    if verb == "q" or (verb == "v" and "#" in directive.flags):
        return directive.padded(quote(value))
    return directive.padded(str(value))


def _can_be_raw(value: str) -> bool:
    return "`" not in value and all(char.isprintable() or char == "\t" for char in value)


def _hex_bytes(directive: Directive, value: str) -> str:
    data = value.encode(errors="surrogateescape")
    text = data.hex(" ") if " " in directive.flags else data.hex()
    return text.upper() if directive.verb == "X" else text


_BASES = {"d": "d", "v": "d", "x": "x", "X": "X", "o": "o", "b": "b"}
_PREFIXES = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}


def _integer(directive: Directive, value: int) -> str:
    verb = directive.verb
    if verb in _BASES:
        text = format(abs(value), _BASES[verb])
        if directive.precision is not None:
            text = text.rjust(directive.precision, "0")
        if "#" in directive.flags:
            text = _PREFIXES.get(verb, "") + text
        return directive.padded(_sign(directive, value < 0) + text)
    if verb == "c":
        return directive.padded(chr(value))
    if verb == "q":
        return directive.padded(f"'{chr(value)}'")
    if verb == "U":
        return directive.padded(f"U+{value:04X}")
    return _bad(directive, value)


def _sign(directive: Directive, negative: bool) -> str:
    if negative:
        return "-"
    return "+" if "+" in directive.flags else " " if " " in directive.flags else ""


def _float(directive: Directive, value: float) -> str:
    verb, precision = directive.verb, directive.precision
    if verb in {"v", "g", "G"} and precision is None:
        text = floats.shortest(abs(value))
    elif verb in {"e", "E", "f", "F", "g", "G", "v"}:
        letter = "g" if verb == "v" else verb
        text = floats.exponential(abs(value), 6 if precision is None else precision, letter)
    else:
        return _bad(directive, value)
    return directive.padded(_sign(directive, value < 0) + text)


def _list(directive: Directive, value: "list[Value]") -> str:
    if "#" in directive.flags and directive.verb == "v":
        inner = ", ".join(formatted(directive, item) for item in value)
        nil = isinstance(value, Slice) and value.is_nil
        return f"{type_of(value)}(nil)" if nil else f"{type_of(value)}{{{inner}}}"
    return "[" + " ".join(formatted(directive, item) for item in value) + "]"


def _map(directive: Directive, value: "dict[Value, Value]") -> str:
    pairs = [
        f"{formatted(directive, key)}:{formatted(directive, value[key])}" for key in sorted(value)
    ]
    if "#" in directive.flags and directive.verb == "v":
        nil = isinstance(value, Map) and value.is_nil
        return f"{type_of(value)}(nil)" if nil else f"{type_of(value)}{{{', '.join(pairs)}}}"
    return f"map[{' '.join(pairs)}]"


def _struct(directive: Directive, value: Struct) -> str:
    named = "+" in directive.flags or "#" in directive.flags
    parts = [
        f"{name}:{_inner(directive, item)}" if named else _inner(directive, item)
        for name, item in value.fields.items()
    ]
    if "#" in directive.flags:
        text = f"{value.type_name}{{{', '.join(parts)}}}"
    else:
        text = "{" + " ".join(parts) + "}"
    # A template follows the pointer that it prints.
    return text


def _inner(directive: Directive, value: "Value") -> str:
    """A field of a struct: pointers are followed at the top only."""
    if isinstance(value, Struct) and value.pointer:
        return f"0x{id(value):x}"
    return formatted(directive, value)


def _pointer(directive: Directive, value: Pointer) -> str:
    return directive.padded("<nil>") if directive.verb in "vs" else f"%!{directive.verb}(nil)"


_KINDS: "tuple[tuple[type, Callable[[Directive, Value], str]], ...]" = (
    (bool, _boolean),
    (str, _string),
    (int, _integer),
    (float, _float),
    (list, _list),
    (dict, _map),
    (Struct, _struct),
    (Pointer, _pointer),
)
