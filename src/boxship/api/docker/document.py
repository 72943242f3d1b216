"""Documents: JSON objects of the API as Structs whose fields have the names of the wire.

A client may send `null` for any field (docker-py does, for every one it has no value for): it means
"not set", and the field takes its default.  Unknown fields are ignored, as Docker ignores them.
"""

from typing import Annotated, Any, ClassVar

import msgspec

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Document(msgspec.Struct, kw_only=True):
    """A JSON object; `omit_empty` names the fields that are not shown while they are empty."""

    omit_empty: ClassVar[frozenset[str]] = frozenset()


def names(text: str) -> frozenset[str]:
    """Names in a text, for `omit_empty`."""
    return frozenset(text.split())


def plain(document: Document) -> dict[str, Any]:
    """The document as dicts and lists, `null` replaced by the default of its field."""
    result = {}
    for name, default in defaults(type(document)):
        given = getattr(document, name)
        value = _plain(default if given is None else given)
        if value not in _EMPTY or name not in document.omit_empty:
            result[name] = value
    return result


def shown(kind: type[Document], values: dict[str, Any]) -> dict[str, Any]:
    """Stored values as the API shows them: fields in its order, missing ones with their default."""
    result = {}
    for name, default in defaults(kind):
        value = values.get(name)
        if value is None:
            value = default
        if not value and name in kind.omit_empty and not _set_on_purpose(value):
            continue
        result[name] = value
    return result


def defaults(kind: type[Document]) -> list[tuple[str, Any]]:
    """Names and defaults of the fields, in order."""
    known = _DEFAULTS.get(kind)
    if known is None:
        known = [(field.encode_name, _default(field)) for field in msgspec.structs.fields(kind)]
        _DEFAULTS[kind] = known
    return known


_DEFAULTS: dict[type[Document], list[tuple[str, Any]]] = {}


def _plain(value: object) -> object:
    if isinstance(value, Document):
        return plain(value)
    if type(value) is list:
        return [_plain(item) for item in value]
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value


_EMPTY: tuple[Any, ...] = (None, "", {}, [])


def _set_on_purpose(value: object) -> bool:
    """False and 0 of an optional field say something that null does not."""
    return value is False or (type(value) is int and value == 0)


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return _plain(field.default_factory())
    return None if field.default is msgspec.NODEFAULT else field.default
