"""Filters: the `filters` of a query, parsed once; each list says which keys it knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_decode = msgspec.json.Decoder(dict[str, list[str] | dict[str, bool]]).decode


class Filters:
    """Key -> values.  Within a key one value must match, over the keys all."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        """Filters as given; parse() checks them."""
        self._values = values

    @classmethod
    def parse(cls, text: str, known: Iterable[str] | None) -> Filters:
        """`{"status":["running"]}`, or the old form `{"status":{"running":true}}`."""
        if not text:
            return cls({})
        try:
            given = _decode(text.encode())
        except (msgspec.MsgspecError, UnicodeEncodeError):
            raise Invalid("invalid filter") from None
        for key in given:
            if known is not None and key not in known:
                raise Invalid(f"invalid filter '{key}'")
        return cls({key: list(values) for key, values in given.items() if values})

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> list[str]:
        """The values of a key; none is []."""
        return self._values.get(key, [])

    def exact(self, key: str, value: str) -> bool:
        """Whether the key is absent or has exactly `value`."""
        return key not in self._values or value in self._values[key]

    def matches(self, key: str, value: str) -> bool:
        """Whether the key is absent or one of its values is `value`, or a pattern found in it."""
        wanted = self._values.get(key)
        return wanted is None or any(w == value or found(w, value) for w in wanted)

    def begins(self, key: str, value: str) -> bool:
        """Whether the key is absent or `value` begins with one of its values."""
        return key not in self._values or any(value.startswith(w) for w in self._values[key])

    def labelled(self, labels: Mapping[str, str] | None, key: str = "label") -> bool:
        """Whether `labels` have all that the key asks for: `name` or `name=value`."""
        return all(has_label(labels or {}, wanted) for wanted in self._values.get(key, ()))

    def truth(self, key: str) -> bool | None:
        """A key that is true or false; None if absent, Invalid for anything else."""
        values = self._values.get(key)
        if values is None:
            return None
        words = {_TRUTH.get(value.lower()) for value in values}
        if len(words) != 1 or None in words:
            raise Invalid(f"invalid filter '{key}=[{' '.join(values)}]'")
        return words.pop()


_TRUTH = {"1": True, "true": True, "0": False, "false": False}


def has_label(labels: Mapping[str, str], wanted: str) -> bool:
    """Whether labels have `name`, or `name=value`."""
    name, equals, value = wanted.partition("=")
    return name in labels and (not equals or labels[name] == value)


def found(pattern: str, text: str) -> bool:
    """Whether the regular expression is found in the text; a broken one is not."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
