"""containerd's filter language, parsed once and asked often.

filter     selector { "," selector }              all of them; several filters: any of them
selector   path [ ("==" | "!=" | "~=") value ]    without a value: is there
path       field { "." field }                    field: a word, or "quoted"
value      anything without space and comma, or "quoted"; after ~= also |x| or /x/
"""

import json
import re
from typing import TYPE_CHECKING

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Path = tuple[str, ...]
    Lookup = Callable[[Path], str | None]  # the value of a field, or None where it is not there
    Filter = Callable[[Lookup], bool]

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_ALTERNATE = re.compile(r"\|([^|]*)\||/([^/]*)/")
_VALUE = re.compile(r"[^\s,]+")
_SPACE = re.compile(r"\s*")


def parse_filters(texts: "Iterable[str]") -> "Filter":
    """What matches if any of `texts` does; no text matches all."""
    filters = [_parse(text) for text in texts]
    if not filters:
        return lambda _: True
    if len(filters) == 1:
        return filters[0]
    return lambda lookup: any(matches(lookup) for matches in filters)


def lookup_in(values: "Mapping[str, str]", path: "Path") -> str | None:
    """The value of a map such as labels: what is left of the path is the key, dots and all."""
    return values.get(".".join(path))


def _parse(text: str) -> "Filter":
    if not text.strip():
        return lambda _: True
    parser = _Parser(text)
    selectors = [parser.selector()]
    while parser.take(","):
        selectors.append(parser.selector())
    parser.end()
    return lambda lookup: all(matches(lookup) for matches in selectors)


class _Parser:
    """A place in the text of one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def selector(self) -> "Filter":
        path = [self._field()]
        while self.take("."):
            path.append(self._field())
        for operator, make in _OPERATORS.items():
            if self.take(operator):
                return make(tuple(path), self._value(regular=operator == "~="))
        found = tuple(path)
        return lambda lookup: lookup(found) is not None

    def take(self, token: str) -> bool:
        self._skip_space()
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def end(self) -> None:
        self._skip_space()
        if self._at < len(self._text):
            raise self._wrong("an operator or a comma")

    def _field(self) -> str:
        self._skip_space()
        if (word := self._match(_FIELD)) is not None:
            return word.group()
        return self._quoted("a field")

    def _value(self, *, regular: bool) -> str:
        self._skip_space()
        if regular and (match := self._match(_ALTERNATE)) is not None:
            return match.group(1) if match.group(1) is not None else match.group(2)
        if self._text.startswith('"', self._at):
            return self._quoted("a value")
        if (match := self._match(_VALUE)) is not None:
            return match.group()
        raise self._wrong("a value")

    def _quoted(self, wanted: str) -> str:
        match = self._match(_QUOTED)
        if match is None:
            raise self._wrong(wanted)
        try:
            return str(json.loads(match.group()))
        except ValueError:
            return match.group()[1:-1]

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _skip_space(self) -> None:
        self._match(_SPACE)

    def _wrong(self, wanted: str) -> Invalid:
        before, after = self._text[: self._at], self._text[self._at :]
        return Invalid(f"filters: parse error: [{before} >|{after}|<]: expected {wanted}")


def _equal(path: "Path", value: str) -> "Filter":
    return lambda lookup: lookup(path) == value


def _unequal(path: "Path", value: str) -> "Filter":
    return lambda lookup: lookup(path) != value


def _matching(path: "Path", value: str) -> "Filter":
    try:
        search = re.compile(value).search
    except re.error as error:
        raise Invalid(
            f'filters: parse error: "{value}" is no regular expression: {error}'
        ) from None
    return lambda lookup: search(lookup(path) or "") is not None


_OPERATORS = {"==": _equal, "!=": _unequal, "~=": _matching}
