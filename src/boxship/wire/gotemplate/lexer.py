"""A template's text to tokens.  The kinds are plain words; a punctuation token is its own kind."""

from boxship.wire.gotemplate.errors import TemplateError

LEFT, RIGHT = "{{", "}}"
SPACES = " \t\r\n"
KEYWORDS = frozenset(
    [
        "block",
        "break",
        "continue",
        "define",
        "else",
        "end",
        "if",
        "nil",
        "range",
        "template",
        "with",
    ]
)
ESCAPED = "\\"


class Token:
    """One token: its kind, its text, the byte offset, the line."""

    __slots__ = ("kind", "line", "pos", "text")

    def __init__(self, kind: str, text: str, pos: int, line: int) -> None:
        """`pos` counts characters from the start of the template."""
        self.kind = kind
        self.text = text
        self.pos = pos
        self.line = line

    def __str__(self) -> str:
        if self.kind == "EOF":
            return "EOF"
        if self.kind in KEYWORDS:
            return f"<{self.text}>"
        if len(self.text) > 10:
            return f"{_quoted(self.text[:10])}..."
        return _quoted(self.text)


def _quoted(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    )
    return f'"{escaped}"'


class Lexer:
    """Cuts one template into tokens."""

    def __init__(self, name: str, text: str) -> None:
        """`name` stands in the error messages."""
        self.name = name
        self.text = text
        self.pos = 0
        self.line = 1
        self.parens = 0
        self.tokens: list[Token] = []

    def error(self, message: str) -> TemplateError:
        """The error at the present line."""
        return TemplateError(f"template: {self.name}:{self.line}: {message}")

    def run(self) -> list[Token]:
        """All tokens; the last one is EOF."""
        while self._text():
            self._action()
        self._emit("EOF", self.pos)
        return self.tokens

    def _emit(self, kind: str, end: int) -> None:
        text = self.text[self.pos : end]
        self.tokens.append(Token(kind, text, self.pos, self.line))
        self.line += text.count("\n")
        self.pos = end

    def _skip(self, end: int) -> None:
        self.line += self.text.count("\n", self.pos, end)
        self.pos = end

    def _text(self) -> bool:
        """Plain text up to the next action; False at the end of the template."""
        start = self.text.find(LEFT, self.pos)
        end = len(self.text) if start < 0 else start
        if start >= 0 and self._trims_left(start):
            end = self.pos + len(self.text[self.pos : start].rstrip(SPACES))
        if end > self.pos:
            self._emit("text", end)
        if start < 0:
            return False
        self._skip(start)
        return True

    def _trims_left(self, start: int) -> bool:
        after = self.text[start + 2 : start + 4]
        return len(after) == 2 and after[0] == "-" and after[1] in SPACES

    def _trims_right(self, pos: int) -> bool:
        return self.text[pos : pos + 1] in tuple(SPACES) and self.text.startswith(
            "-" + RIGHT, pos + 1
        )

    def _action(self) -> None:
        trimmed = self._trims_left(self.pos)
        inside = self.pos + (4 if trimmed else 2)
        if self.text.startswith("/*", inside):
            self._comment(inside)
            return
        self._emit("{{", self.pos + 2)
        self._skip(inside)
        self.parens = 0
        while not self._close():
            self._inside()

    def _comment(self, inside: int) -> None:
        end = self.text.find("*/", inside)
        if end < 0:
            raise self.error("unclosed comment")
        end += 2
        trims = self._trims_right(end)
        if trims:
            end += 2
        if not self.text.startswith(RIGHT, end):
            raise self.error("comment ends before closing delimiter")
        self._after_right(end, trims=trims)

    def _after_right(self, end: int, *, trims: bool) -> None:
        self._skip(end + 2)
        if trims:
            rest = self.text[self.pos :]
            self._skip(self.pos + len(rest) - len(rest.lstrip(SPACES)))

    def _close(self) -> bool:
        trims = self._trims_right(self.pos)
        end = self.pos + (2 if trims else 0)
        if not self.text.startswith(RIGHT, end):
            return False
        if self.parens:
            raise self.error("unclosed left paren")
        self._skip(end)
        self._emit("}}", end + 2)
        self.pos -= 2
        self._after_right(end, trims=trims)
        return True

    def _inside(self) -> None:
        char = self.text[self.pos : self.pos + 1]
        if not char:
            raise self.error("unclosed action")
        handler = _HANDLERS.get(char)
        if handler is not None:
            getattr(self, handler)(char)
        elif char.isalpha() or char == "_":
            self._word()
        elif char.isdigit():
            self._number()
        elif "!" <= char <= "~":
            self._single(char)
        else:
            raise self.error(f"unrecognized character in action: U+{ord(char):04X} {char!r}")

    def _space(self, _: str) -> None:
        end = self.pos
        while self.text[end : end + 1] in tuple(SPACES) and not self._trims_right(end):
            end += 1
        self._emit("space", end)

    def _equals(self, _: str) -> None:
        self._emit("=", self.pos + 1)

    def _colon(self, _: str) -> None:
        if not self.text.startswith(":=", self.pos):
            raise self.error("expected :=")
        self._emit(":=", self.pos + 2)

    def _single(self, char: str) -> None:
        self._emit(char, self.pos + 1)

    def _paren(self, char: str) -> None:
        self.parens += 1 if char == "(" else -1
        if self.parens < 0:
            raise self.error("unexpected right paren")
        self._emit(char, self.pos + 1)

    def _quote(self, quote: str) -> None:
        end = self.pos + 1
        while True:
            char = self.text[end : end + 1]
            if not char or char == "\n":
                kind = "quoted string" if quote == '"' else "character constant"
                raise self.error(f"unterminated {kind}")
            if char == quote:
                break
            end += 2 if char == ESCAPED else 1
        self._emit("string" if quote == '"' else "char", end + 1)

    def _raw(self, _: str) -> None:
        end = self.text.find("`", self.pos + 1)
        if end < 0:
            raise self.error("unterminated raw quoted string")
        self._emit("raw", end + 1)

    def _dot(self, _: str) -> None:
        following = self.text[self.pos + 1 : self.pos + 2]
        if following.isdigit():
            self._number()
        elif following.isalnum() or following == "_":
            self._name("field", self.pos + 1)
        else:
            self._emit(".", self.pos + 1)

    def _variable(self, _: str) -> None:
        self._name("variable", self.pos + 1)

    def _name(self, kind: str, start: int) -> None:
        end = self._name_end(start)
        self._check_end(end)
        self._emit(kind, end)

    def _name_end(self, start: int) -> int:
        end = start
        while self.text[end : end + 1].isalnum() or self.text[end : end + 1] == "_":
            end += 1
        return end

    def _check_end(self, end: int) -> None:
        char = self.text[end : end + 1]
        if char and char not in " \t\r\n.,|:)(" and not self.text.startswith(RIGHT, end):
            raise self.error(f"bad character U+{ord(char):04X} {char!r}")

    def _word(self) -> None:
        end = self._name_end(self.pos)
        self._check_end(end)
        word = self.text[self.pos : end]
        if word in KEYWORDS:
            self._emit(word, end)
        elif word in {"true", "false"}:
            self._emit("bool", end)
        else:
            self._emit("identifier", end)

    def _signed(self, char: str) -> None:
        if not self.text[self.pos + 1 : self.pos + 2].isdigit():
            if self.text[self.pos + 1 : self.pos + 2] == ".":
                self._number()
                return
            raise self.error(f"bad number syntax: {_quoted(self.text[self.pos : self.pos + 2])}")
        self._number()

    def _number(self) -> None:
        end = self.pos + 1
        while end < len(self.text):
            char = self.text[end]
            exponent = self.text[end - 1] in "eEpP" and char in "+-"
            if not (char.isalnum() or char in "._" or exponent):
                break
            end += 1
        self._emit("number", end)


_HANDLERS = {
    **dict.fromkeys(SPACES, "_space"),
    "=": "_equals",
    ":": "_colon",
    "|": "_single",
    ",": "_single",
    '"': "_quote",
    "'": "_quote",
    "`": "_raw",
    ".": "_dot",
    "$": "_variable",
    "(": "_paren",
    ")": "_paren",
    "+": "_signed",
    "-": "_signed",
}
