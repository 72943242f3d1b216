"""Go's constants as text to values: quoted strings, characters, numbers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.wire.gotemplate.values import Value

SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
    "'": "'", '"': '"',
}  # fmt: skip
WIDTHS = {"x": 2, "u": 4, "U": 8}


def unquote(text: str) -> str:
    """The value of a Go string literal; ValueError where it is not one."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    out = bytearray()
    pos, end = 1, len(text) - 1
    while pos < end:
        if text[pos] != "\\":
            out += text[pos].encode()
            pos += 1
            continue
        piece, pos = _escape(text, pos + 1)
        out += piece
    return out.decode(errors="surrogateescape")


def _escape(text: str, pos: int) -> tuple[bytes, int]:
    char = text[pos]
    if char in SIMPLE:
        return SIMPLE[char].encode(), pos + 1
    if char in WIDTHS:
        width = WIDTHS[char]
        code = int(text[pos + 1 : pos + 1 + width], 16)
        piece = bytes([code]) if char == "x" else chr(code).encode()
        return piece, pos + 1 + width
    if char in "01234567":
        return bytes([int(text[pos : pos + 3], 8)]), pos + 3
    raise ValueError(text)


def character(text: str) -> int:
    """The code of a character constant."""
    value = unquote(text)
    if len(value) != 1:
        raise ValueError(text)
    return ord(value)


def number(text: str) -> "Value":
    """An int or a float; ValueError where the text is no number."""
    plain = text.replace("_", "")
    lowered = plain.lower().lstrip("+-")
    sign = -1 if plain.startswith("-") else 1
    if lowered.startswith(("0x", "0b", "0o")):
        if "p" in lowered:
            return sign * float.fromhex(lowered)
        return sign * int(lowered, 0)
    if len(lowered) > 1 and lowered[0] == "0" and lowered.isdigit():
        return sign * int(lowered, 8)
    if any(char in lowered for char in ".e"):
        return sign * float(lowered)
    return sign * int(lowered)
