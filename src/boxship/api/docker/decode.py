"""A request's JSON to a document; what is wrong with it is said in the words of Docker (of Go)."""

import re
from typing import TypeVar

import msgspec

from boxship.api.docker.document import Document
from boxship.model.errors import Invalid

T = TypeVar("T", bound=Document)

_JSON_NAMES = {"str": "string", "int": "number", "float": "number", "null": "null"}
_GO_NAMES = {"str": "string", "int": "int64", "float": "float64", "bool": "bool"}
_MISMATCH = re.compile(r"Expected `([^`]*)`, got `([^`]*)`(?: - at `\$([^`]*)`)?")
_decoders: dict[type[Document], msgspec.json.Decoder[Document]] = {}


def decode(body: bytes, kind: type[T]) -> T:
    """`body` as a `kind`; Invalid with Docker's text if it is none."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(body)  # type: ignore[return-value]
    except msgspec.ValidationError as error:
        raise Invalid(f"invalid JSON: {mismatch(str(error), kind.__name__)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(malformed(body, str(error))) from None


def malformed(body: bytes, text: str) -> str:
    """What is wrong with text that is no JSON."""
    if not body.strip():
        return "invalid JSON: got EOF while reading request body"
    if "truncated" in text:
        return "invalid JSON: unexpected EOF"
    if "trailing characters" in text:
        return "unexpected content after JSON"
    return f"invalid JSON: {text.removeprefix('JSON is malformed: ')}"


def mismatch(text: str, kind: str) -> str:
    """What is wrong with JSON of another shape: Go's sentence for the same mistake."""
    found = _MISMATCH.match(text)
    if not found:
        return text
    expected, got, path = found[1].split(" | ")[0], found[2], found[3] or ""
    got = _JSON_NAMES.get(got, got)
    if not path:
        return f"json: cannot unmarshal {got} into Go value of type container.{kind}"
    wanted = _GO_NAMES.get(expected, expected)
    return f"json: cannot unmarshal {got} into Go struct field {path} of type {wanted}"
