"""Words to flags and arguments, by the rules of Go's pflag.

-a -b -ab        bools, alone and together        -p80:80  -p 80:80  -p=80:80    a value
--all            --all=false                      --name web  --name=web
--               everything after it is an argument
"""

from boxship.cli import kinds
from boxship.cli.command import Flag, Values
from boxship.cli.failure import UsageFailure
from boxship.wire.gotemplate.quoting import quote

HELP = Flag("help", kinds.BOOL, "", "h")


class HelpAsked(Exception):
    """--help, or -h where the command has no other use for it."""


class Parser:
    """Parses the words of one command."""

    def __init__(self, flags: tuple[Flag, ...], *, interspersed: bool) -> None:
        """Not interspersed: the first argument ends the flags."""
        self.flags = flags
        self.interspersed = interspersed
        self.by_name = {flag.name: flag for flag in flags}
        self.by_short = {flag.short: flag for flag in flags if flag.short}
        self.values = Values(flags)
        self.arguments: list[str] = []
        self.rest: list[str] = []

    def parse(self, words: list[str]) -> tuple[Values, list[str]]:
        """The values, and the words that are no flags."""
        self.rest = list(words)
        while self.rest:
            word = self.rest.pop(0)
            if word == "--":
                self.arguments += self.rest
                break
            if word.startswith("--"):
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._short(word)
            else:
                self.arguments.append(word)
                if not self.interspersed:
                    self.arguments += self.rest
                    break
        return self.values, self.arguments

    def _long(self, word: str) -> None:
        name, separator, text = word[2:].partition("=")
        if not name or name.startswith("-"):
            raise UsageFailure(f"bad flag syntax: {word}")
        flag = self.by_name.get(name)
        if flag is None and name == "help":
            self._help(text if separator else "true")
            return
        if flag is None:
            raise UsageFailure(f"unknown flag: --{name}")
        if not separator:
            if flag.kind is kinds.BOOL:
                text = "true"
            elif not self.rest:
                raise UsageFailure(f"flag needs an argument: {word}")
            else:
                text = self.rest.pop(0)
        self._set(flag, text)

    def _short(self, word: str) -> None:
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self.by_short.get(letter)
            if flag is None and letter == "h":
                self._help("true")
                return
            if flag is None:
                raise UsageFailure(f"unknown shorthand flag: '{letter}' in -{letter}{letters}")
            if letters.startswith("=") and len(letters) > 1:
                text, letters = letters[1:], ""
            elif flag.kind is kinds.BOOL:
                text = "true"
            else:
                text, letters = self._short_value(flag, letters), ""
            self._set(flag, text)

    def _short_value(self, flag: Flag, letters: str) -> str:
        if letters:
            return letters
        if not self.rest:
            raise UsageFailure(f"flag needs an argument: '{flag.short}' in -{flag.short}")
        return self.rest.pop(0)

    def _help(self, text: str) -> None:
        if kinds.boolean(text):
            raise HelpAsked

    def _set(self, flag: Flag, text: str) -> None:
        try:
            self.values.set(flag, flag.kind.parse(text))
        except ValueError as error:
            name = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
            raise UsageFailure(
                f"invalid argument {quote(text)} for {quote(name)} flag: {error}"
            ) from None
