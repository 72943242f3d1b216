"""JSON as Go encodes it: compact, keys of maps sorted, nothing escaped for HTML."""

import json

from boxship.wire.gotemplate import floats
from boxship.wire.gotemplate.values import NO_VALUE, Map, Number, Pointer, Slice, Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.wire.gotemplate.values import Value


class HtmlSafe(dict):  # type: ignore[type-arg]
    """A map that encodes itself, as json.Marshal does: with <, > and & escaped."""

    __slots__ = ()


def encode(value: "Value") -> str:
    """One value as JSON text."""
    if isinstance(value, Struct):
        inner = value.encoded()
        text = encode_ordered(inner)
        return _escaped(text) if isinstance(inner, HtmlSafe) else text
    if value is NO_VALUE or isinstance(value, Pointer):
        return "null"
    if isinstance(value, (Slice, Map)) and value.is_nil:
        return "null"
    if isinstance(value, dict):
        pairs = (f"{_string(key)}:{encode(value[key])}" for key in sorted(value))
        return "{" + ",".join(pairs) + "}"
    return encode_ordered(value)


def encode_ordered(value: "Value") -> str:
    """The same, with the keys of maps in their own order."""
    if isinstance(value, dict):
        pairs = (f"{_string(key)}:{encode_any(item)}" for key, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode_any(item) for item in value) + "]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value)


def encode_any(value: "Value") -> str:
    """Inside a document: structs and typed maps by their own rule, plain maps in their order."""
    if isinstance(value, (Struct, Map, Slice, Pointer)) or value is NO_VALUE:
        return encode(value)
    return encode_ordered(value)


def _escaped(text: str) -> str:
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _string(text: str) -> str:
    encoded = json.dumps(text, ensure_ascii=False)
    return encoded.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _float(value: float) -> str:
    text = floats.shortest(value)
    return text.replace("e-0", "e-")
