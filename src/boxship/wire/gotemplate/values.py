"""Go's kinds of values that Python does not have, and the questions asked of every value."""

from boxship.wire.gotemplate.errors import CallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Value: TypeAlias = Any


class NoValue:
    """Go's invalid reflect.Value: what a missing key of a map gives."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<no value>"


NO_VALUE = NoValue()


class Slice(list):  # type: ignore[type-arg]
    """A slice whose element type is known."""

    __slots__ = ("element", "is_nil")

    def __init__(
        self, items: "Value" = (), element: str = "string", *, is_nil: bool = False
    ) -> None:
        """`is_nil`: it prints as [] and encodes as null."""
        super().__init__(items)
        self.element = element
        self.is_nil = is_nil


class Map(dict):  # type: ignore[type-arg]
    """A map whose element type is known: `zero` is what an absent key gives to `index`."""

    __slots__ = ("element", "is_nil", "key", "zero")

    def __init__(
        self,
        items: "Value" = (),
        element: str = "string",
        *,
        zero: "Value" = "",
        is_nil: bool = False,
    ) -> None:
        """`is_nil`: it prints as map[] and encodes as null."""
        super().__init__(items)
        self.element = element
        self.zero = zero
        self.key = "string"
        self.is_nil = is_nil


class Pointer:
    """A nil pointer to a struct of the named type."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str) -> None:
        """`type_name` is without the star."""
        self.type_name = type_name


class Number(str):
    """Go's json.Number: a number that kept its text, and is a string to Go."""

    __slots__ = ()


class Struct:
    """A struct: named fields in order, and methods.  `pointer`: it is held by a pointer."""

    __slots__ = ("fields", "pointer", "source", "type_name")

    def __init__(
        self,
        type_name: str,
        fields: "dict[str, Value]",
        *,
        pointer: bool = False,
        source: "Value" = None,
    ) -> None:
        """`source` is what `json` prints; the fields themselves if None."""
        self.type_name = type_name
        self.fields = fields
        self.pointer = pointer
        self.source = source

    def method(self, name: str) -> "Callable[..., Value] | None":
        """The method of that name, if the type has it."""
        return None

    def encoded(self) -> "Value":
        """What the JSON encoder makes of it."""
        return self.fields if self.source is None else self.source


def type_of(value: "Value") -> str:
    """The name of the value's type, as %T prints it."""
    if value is None:
        return "<nil>"
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name(value)
    return f"*{type(value).__name__}"


_NAMES: "tuple[tuple[type, Callable[[Value], str]], ...]" = (
    (bool, lambda _: "bool"),
    (int, lambda _: "int"),
    (float, lambda _: "float64"),
    (Number, lambda _: "json.Number"),
    (str, lambda _: "string"),
    (Slice, lambda value: f"[]{value.element}"),
    (list, lambda _: "[]interface {}"),
    (Map, lambda value: f"map[string]{value.element}"),
    (dict, lambda _: "map[string]interface {}"),
    (Struct, lambda value: f"{'*' if value.pointer else ''}{value.type_name}"),
    (Pointer, lambda value: f"*{value.type_name}"),
)


def is_true(value: "Value") -> bool:
    """Whether `if` takes the value for true: Go's rule, not empty and not zero."""
    if value is None or value is NO_VALUE or isinstance(value, Pointer):
        return False
    if isinstance(value, Struct):
        return True
    return bool(value)


def is_nil(value: "Value") -> bool:
    """Whether the value is nil, typed or not."""
    if value is None or value is NO_VALUE or isinstance(value, Pointer):
        return True
    return isinstance(value, (Slice, Map)) and value.is_nil


def length(value: "Value") -> int:
    """`len`: strings count bytes."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, (list, dict)):
        return len(value)
    if value is None or value is NO_VALUE:
        raise CallError("len of nil pointer" if value is None else "len of untyped nil")
    raise CallError(f"len of type {type_of(value)}")
