"""JSON documents: read, and written so that a reader sees the old one or the new one.

The C halves of the json module alone: importing it whole brings in `re`, half the time that a
cold `boxship-runtime` has.
"""

import os
from _json import encode_basestring_ascii, make_encoder, make_scanner

from boxship.model.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHITESPACE = " \t\n\r"


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


class _Context:
    """What the C scanner asks its decoder for."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_constant)
    memo: "dict[str, str]" = {}  # noqa: RUF012  the scanner clears it after every document


_scan = make_scanner(_Context())  # type: ignore[arg-type]


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON")


def parse(text: str | bytes, name: str = "document") -> "Any":  # noqa: ANN401  as json.loads
    """The value of a JSON text; Invalid, naming the document, if it is none."""
    try:
        words = (text.decode() if isinstance(text, bytes) else text).strip(_WHITESPACE)
        value, end = _scan(words, 0)
    except StopIteration as error:
        raise Invalid(f"{name} is not JSON: no value at character {error.value}") from None
    except ValueError as error:
        raise Invalid(f"{name} is not JSON: {error}") from None
    if end != len(words):
        raise Invalid(f"{name} is not JSON: more follows at character {end}")
    return value


def render(value: object, indent: str | None = None) -> str:
    """The JSON text of a value; `indent` as in runc's output: one tab or two spaces a level."""
    if indent is not None:
        return _indented(value, indent, "\n")
    encode = make_encoder(
        None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False
    )
    return "".join(encode(value, 0))


def _indented(value: object, indent: str, line: str) -> str:
    inner = line + indent
    if isinstance(value, dict) and value:
        items = (f"{render(key)}: {_indented(item, indent, inner)}" for key, item in value.items())
        return "{" + inner + f",{inner}".join(items) + line + "}"
    if isinstance(value, list) and value:
        return (
            "["
            + inner
            + f",{inner}".join(_indented(item, indent, inner) for item in value)
            + line
            + "]"
        )
    return render(value)


def read(path: str) -> bytes:
    """The bytes of a file."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = []
        while chunk := os.read(fd, 1 << 20):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(fd)


def replace(path: str, content: bytes, mode: int = 0o600) -> None:
    """Write beside `path`, then rename: never half a document, whoever is killed."""
    beside = f"{path}.{os.getpid()}.new"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)
    os.rename(beside, path)
