"""Strings as Go quotes them: %q, strconv.Quote."""


def quote(text: str) -> str:
    """%q: a Go string literal."""
    out = ['"']
    out.extend(_QUOTED.get(char) or _plain_or_escaped(char) for char in text)
    out.append('"')
    return "".join(out)


_QUOTED = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r",
    "\t": "\\t", "\v": "\\v",
}  # fmt: skip


def _plain_or_escaped(char: str) -> str:
    code = ord(char)
    if char.isprintable():
        return char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
