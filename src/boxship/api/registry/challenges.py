"""WWW-Authenticate, read: which scheme, and what a token service is to be asked (RFC 9110)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(header: str) -> list[Challenge]:
    """All challenges of a header; what cannot be read is passed over."""
    found: list[Challenge] = []
    rest = header.strip()
    while rest:
        word, rest = _token(rest)
        if not word:
            rest = rest[1:].lstrip(" ,")
        elif rest.startswith("=") and found:
            value, rest = _value(rest[1:])
            found[-1].parameters[word.lower()] = value
            rest = rest.lstrip(" ,")
        else:
            found.append(Challenge(word.lower()))
            rest = rest.lstrip(" ,")
    return found


def _token(text: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and text[end] not in ' =,"\t':
        end += 1
    return text[:end], text[end:].lstrip(" \t") if text[end : end + 1] in " \t" else text[end:]


def _value(text: str) -> tuple[str, str]:
    if not text.startswith('"'):
        return _token(text)
    value: list[str] = []
    at = 1
    while at < len(text) and text[at] != '"':
        at += text[at] == "\\"
        value.append(text[at : at + 1])
        at += 1
    return "".join(value), text[at + 1 :]
