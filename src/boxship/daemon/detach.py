"""Detach keys: the typed sequence that leaves a terminal without ending what runs.  Pure."""

from __future__ import annotations

from boxship.model.errors import Invalid

DEFAULT = b"\x10\x11"  # Ctrl-P Ctrl-Q
_CONTROL = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def parsed(text: str | None) -> bytes:
    """`ctrl-p,ctrl-q` as bytes; None: the default; Invalid for what no key sends."""
    if not text:
        return DEFAULT
    return bytes(_key(word, text) for word in text.split(","))


def _key(word: str, whole: str) -> int:
    if len(word) == 1 and word.isascii():
        return ord(word)
    name = word.removeprefix("ctrl-")
    if name != word and len(name) == 1 and name.isascii():
        if name.isalpha():
            return ord(name.lower()) - ord("a") + 1
        if name in _CONTROL:
            return _CONTROL[name]
    raise Invalid(f"Invalid detach keys ({whole}) provided: Unknown character: '{word}'")


class Scanner:
    """Passes bytes on, holding back what may become the sequence."""

    def __init__(self, keys: bytes) -> None:
        """Nothing was typed yet."""
        self._keys = keys
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What may be passed on now, and whether the sequence is complete."""
        text = self._held + data
        at = text.find(self._keys)
        if at >= 0:
            self._held = b""
            return text[:at], True
        held = next(
            (n for n in range(min(len(self._keys) - 1, len(text)), 0, -1)
             if self._keys.startswith(text[-n:])), 0,
        )  # fmt: skip
        self._held = text[len(text) - held :]
        return text[: len(text) - held], False
