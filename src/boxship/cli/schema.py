"""The Go types behind the API's JSON, as far as templates can tell: `{{.ID}}` is JSON's `Id`.

A field is `Name:type`, or `Name=json:type` where JSON spells it otherwise.  Types:
s string, b bool, i int, any; []T slice, {}T map, <>T map by port, *T pointer, else a struct.
"""

from boxship.cli.schema_types import TYPES
from boxship.wire.gotemplate.values import Map, Pointer, Slice, Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json

ZEROS = {"s": "", "b": False, "i": 0, "any": None}
GO_NAMES = {"s": "string", "b": "bool", "i": "int", "any": "interface {}"}


def typed(value: "Json", kind: str) -> "Json":
    """The value as a template of the docker client sees it."""
    if not kind or kind == "any":
        return value
    if kind.startswith("*"):
        return _pointer(value, kind[1:])
    if kind.startswith("[]"):
        inner = kind[2:]
        items = [typed(item, inner) for item in value or ()]
        return Slice(items, go_name(inner), is_nil=value is None)
    if kind.startswith(("{}", "<>")):
        inner = kind[2:]
        entries = {name: typed(item, inner) for name, item in (value or {}).items()}
        found = Map(entries, go_name(inner), zero=typed(None, inner), is_nil=value is None)
        found.key = "nat.Port" if kind.startswith("<>") else "string"
        return found
    if kind in ZEROS:
        return ZEROS[kind] if value is None else value
    return _struct(value or {}, kind, pointer=False)


def _pointer(value: "Json", kind: str) -> "Json":
    if value is None:
        return Pointer(go_name(kind))
    return value if kind in ZEROS else _struct(value, kind, pointer=True)


def _struct(value: "Json", kind: str, *, pointer: bool) -> Struct:
    type_name, fields = TYPES[kind]
    found = {}
    for field in fields.split():
        name, _, inner = field.partition(":")
        name, _, key = name.partition("=")
        found[name] = typed(value.get(key or name), inner)
    return Struct(type_name, found, pointer=pointer, source=value)


def go_name(kind: str) -> str:
    """The type's name in Go."""
    for prefix, name in (("[]", "[]"), ("{}", "map[string]"), ("<>", "map[nat.Port]"), ("*", "*")):
        if kind.startswith(prefix):
            return name + go_name(kind[2:] if len(prefix) == 2 else kind[1:])
    return GO_NAMES.get(kind) or TYPES[kind][0]
