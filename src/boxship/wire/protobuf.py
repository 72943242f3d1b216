"""Protocol buffers for programs that must stay small: a schema is a table, a message a dict.

The shim speaks some forty small messages; google.protobuf would double its memory.  A schema maps
each field's name to its number and kind; `decode` fills in the defaults of proto3, `encode` leaves
them out.  Kinds: str, bytes, int (any varint), bool, another schema, or a list of one of these.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Kind = Any
    Value = Any
    Schema = Mapping[str, tuple[int, Any]]
    Message = dict[str, Any]

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_SIXTY_FOUR_BITS = (1 << 64) - 1


class Malformed(ValueError):
    """These bytes are not the message that they should be."""


def encode_varint(value: int) -> bytes:
    """A varint; a negative number takes ten bytes, as its two's complement in 64 bits."""
    value &= _SIXTY_FOUR_BITS
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at `at` of `data`, and the place after it."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise Malformed("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _SIXTY_FOUR_BITS, at
        shift += 7
        if shift > 63:
            raise Malformed("a number is longer than 64 bits")


def encode_length(number: int, value: bytes) -> bytes:
    """Field `number` with `value`, for whatever is stored with its length."""
    return encode_varint(number << 3 | LENGTH) + encode_varint(len(value)) + value


def encode_number(number: int, value: int) -> bytes:
    """Field `number` as a varint."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value)


def fields(data: bytes) -> "Iterator[tuple[int, int | bytes]]":
    """Every field of `data` in order: its number, and a number or the bytes stored."""
    at = 0
    while at < len(data):
        key, at = decode_varint(data, at)
        kind = key & 7
        value: int | bytes
        if kind == VARINT:
            value, at = decode_varint(data, at)
        else:
            size, at = _stored_size(kind, data, at)
            value = data[at : at + size]
            at += size
            if at > len(data):
                raise Malformed("a field is cut off")
        yield key >> 3, value


def _stored_size(kind: int, data: bytes, at: int) -> tuple[int, int]:
    if kind == LENGTH:
        return decode_varint(data, at)
    if kind == FIXED64:
        return 8, at
    if kind == FIXED32:
        return 4, at
    raise Malformed(f"wire type {kind} is unknown")


def decode(schema: "Schema", data: bytes) -> "Message":
    """The message in `data`: every field of the schema, absent ones with proto3's default."""
    by_number = {number: (name, kind) for name, (number, kind) in schema.items()}
    message = {name: _default(kind) for name, (_, kind) in schema.items()}
    for number, value in fields(data):
        if number not in by_number:
            continue
        name, kind = by_number[number]
        if isinstance(kind, list):
            message[name] += _items(kind[0], value)
        else:
            message[name] = _decoded(kind, value)
    return message


def _items(kind: "Kind", value: int | bytes) -> "list[Value]":
    if kind is not int or isinstance(value, int):
        return [_decoded(kind, value)]
    # Numbers may come packed: several in one field.
    numbers = []
    at = 0
    while at < len(value):
        number, at = decode_varint(value, at)
        numbers.append(number)
    return numbers


def _default(kind: "Kind") -> "Value":
    if isinstance(kind, list):
        return []
    return None if isinstance(kind, dict) else kind()


def _decoded(kind: "Kind", value: int | bytes) -> "Value":
    if kind is int or kind is bool:
        if not isinstance(value, int):
            raise Malformed("a number was expected")
        return kind(value)
    if not isinstance(value, bytes):
        raise Malformed("a number where a string or a message was expected")
    if isinstance(kind, dict):
        return decode(kind, value)
    if kind is str:
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"a string is not UTF-8: {error}") from error
    return value


def encode(schema: "Schema", message: "Mapping[str, Any]") -> bytes:
    """`message` as bytes, fields in the schema's order; absent, None and default ones left out."""
    out = []
    for name, (number, kind) in schema.items():
        value = message.get(name)
        if isinstance(kind, list):
            out += [_encoded(number, kind[0], item) for item in value or ()]
        elif value is not None and (value or isinstance(kind, dict)):
            out.append(_encoded(number, kind, value))
    unknown = message.keys() - schema.keys()
    if unknown:
        raise KeyError(f"not in the schema: {', '.join(sorted(unknown))}")
    return b"".join(out)


def _encoded(number: int, kind: "Kind", value: "Value") -> bytes:
    if kind is int or kind is bool:
        return encode_number(number, int(value))
    if isinstance(kind, dict):
        return encode_length(number, encode(kind, value))
    return encode_length(number, value.encode() if kind is str else value)
