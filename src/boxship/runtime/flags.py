"""Flags as runc takes them: one dash or two, a value behind or after `=`, all before arguments."""

from boxship.model.errors import Invalid

BOOL, VALUE, LIST = "bool", "value", "list"


class Arguments:
    """What a command line said."""

    def __init__(self, flags: dict[str, list[str]], rest: list[str]) -> None:
        """`flags` by their long names."""
        self._flags = flags
        self.rest = rest

    def has(self, name: str) -> bool:
        """Whether a boolean flag is set."""
        return self._flags.get(name, ["false"])[-1] not in ("false", "0", "f", "F", "False")

    def value(self, name: str, default: str = "") -> str:
        """The last value of a flag."""
        return self._flags.get(name, [default])[-1]

    def values(self, name: str) -> list[str]:
        """Every value of a flag that may be repeated."""
        return self._flags.get(name, [])

    def number(self, name: str) -> int | None:
        """The value as a number, or None if the flag is not there."""
        text = self.value(name)
        try:
            return int(text) if text else None
        except ValueError:
            raise Invalid(f"invalid value {text!r} for flag --{name}: not a number") from None


def parse(
    words: list[str], known: dict[str, str], short: dict[str, str] | None = None
) -> Arguments:
    """Read flags up to the first word that is none; `known` is {long name: kind}."""
    flags: dict[str, list[str]] = {}
    position = 0
    while position < len(words):
        word = words[position]
        if not word.startswith("-") or word == "-":
            break
        position += 1
        if word == "--":
            break
        name, equals, value = word.lstrip("-").partition("=")
        name = (short or {}).get(name, name)
        kind = known.get(name)
        if kind is None:
            raise Invalid(f"flag provided but not defined: {word.partition('=')[0]}")
        if kind == BOOL:
            value = value if equals else "true"
        elif not equals:
            if position == len(words):
                raise Invalid(f"flag needs an argument: {word}")
            value = words[position]
            position += 1
        flags.setdefault(name, []).append(value)
    return Arguments(flags, words[position:])
