"""Tokens to nodes."""

from boxship.wire.gotemplate import literals
from boxship.wire.gotemplate.errors import TemplateError
from boxship.wire.gotemplate.lexer import Lexer, Token
from boxship.wire.gotemplate.nodes import (
    Action,
    Branch,
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Jump,
    Literal,
    Nil,
    Node,
    Pipe,
    Text,
    Variable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

OPERANDS = frozenset(
    ("bool", "char", ".", "field", "identifier", "number", "nil", "raw", "string", "variable", "(")
)


class Ending:
    """What ended a list of nodes: `{{end}}`, or `{{else ...}}` with its token."""

    __slots__ = ("token", "word")

    def __init__(self, word: str, token: Token) -> None:
        """`word` is end or else."""
        self.word = word
        self.token = token


class Parser:
    """Parses one template; `defined` gets the templates that it defines."""

    def __init__(self, name: str, text: str, functions: "Collection[str]") -> None:
        """`functions` are the names that may be called."""
        self.name = name
        self.functions = functions
        self.tokens = Lexer(name, text).run()
        self.index = 0
        self.variables: list[str] = ["$"]
        self.loops = 0
        self.defined: dict[str, list[Node]] = {}

    def parse(self) -> list[Node]:
        """The nodes of the template itself."""
        nodes: list[Node] = []
        while self._peek().kind != "EOF":
            if self._at_define():
                self._definition()
                continue
            node = self._text_or_action()
            if isinstance(node, Ending):
                raise self.error(f"unexpected {{{{{node.word}}}}}", node.token)
            nodes.append(node)
        return nodes

    def error(self, message: str, token: Token | None = None) -> TemplateError:
        """The error at a token, by default the last one read."""
        line = (token or self.tokens[max(self.index - 1, 0)]).line
        return TemplateError(f"template: {self.name}:{line}: {message}")

    def unexpected(self, token: Token, context: str) -> TemplateError:
        """The error of a token that cannot stand there."""
        return self.error(f"unexpected {token} in {context}", token)

    # tokens

    def _next(self) -> Token:
        token = self.tokens[self.index]
        if token.kind != "EOF":
            self.index += 1
        return token

    def _peek(self) -> Token:
        return self.tokens[self.index]

    def _skip_space(self) -> None:
        while self._peek().kind == "space":
            self.index += 1

    def _next_word(self) -> Token:
        self._skip_space()
        return self._next()

    def _peek_word(self) -> Token:
        self._skip_space()
        return self._peek()

    def _expect(self, kind: str, context: str) -> Token:
        token = self._next_word()
        if token.kind != kind:
            raise self.unexpected(token, context)
        return token

    # lists of nodes

    def _at_define(self) -> bool:
        if self._peek().kind != "{{":
            return False
        index = self.index + 1
        while self.tokens[index].kind == "space":
            index += 1
        return self.tokens[index].kind == "define"

    def _definition(self) -> None:
        self._next()
        self._next_word()
        token = self._next_word()
        if token.kind not in {"string", "raw"}:
            raise self.unexpected(token, "define clause")
        name = literals.unquote(token.text)
        self._expect("}}", "define clause")
        outer, self.variables = self.variables, ["$"]
        self.defined[name] = self._body_to_end("define clause")
        self.variables = outer

    def _body_to_end(self, context: str) -> list[Node]:
        nodes, ending = self._list()
        if ending.word != "end":
            raise self.error(f"unexpected {{{{else}}}} in {context}", ending.token)
        return nodes

    def _list(self) -> tuple[list[Node], Ending]:
        nodes: list[Node] = []
        while self._peek().kind != "EOF":
            node = self._text_or_action()
            if isinstance(node, Ending):
                return nodes, node
            nodes.append(node)
        raise self.error("unexpected EOF", self._peek())

    def _text_or_action(self) -> "Node | Ending":
        token = self._next()
        if token.kind == "text":
            return Text(token.pos, token.text)
        return self._action()

    # actions

    def _action(self) -> "Node | Ending":
        token = self._next_word()
        kind = token.kind
        if kind == "end":
            self._expect("}}", "end")
            return Ending("end", token)
        if kind == "else":
            return self._else(token)
        if kind in {"if", "with", "range"}:
            return self._branch(token)
        if kind in {"break", "continue"}:
            return self._jump(token)
        if kind in {"template", "block"}:
            return self._call(token)
        if kind == "define":
            raise self.unexpected(token, "input")
        self.index -= 1
        start = self._peek()
        return Action(start.pos, self._pipeline("command", "}}"))

    def _else(self, token: Token) -> Ending:
        following = self._peek_word()
        if following.kind in {"if", "with"}:
            return Ending("else", following)
        self._expect("}}", "else")
        return Ending("else", token)

    def _jump(self, token: Token) -> Node:
        self._expect("}}", f"{{{{{token.kind}}}}}")
        if not self.loops:
            raise self.error(f"{{{{{token.kind}}}}} outside {{{{range}}}}", token)
        return Jump(token.pos, token.kind)

    def _branch(self, token: Token) -> Branch:
        known = len(self.variables)
        node = Branch(token.pos, token.kind, self._pipeline(token.kind, "}}"))
        self.loops += token.kind == "range"
        node.body, ending = self._list()
        self.loops -= token.kind == "range"
        if ending.word == "else":
            node.otherwise = self._otherwise(node, ending.token)
        del self.variables[known:]
        return node

    def _otherwise(self, node: Branch, token: Token) -> list[Node]:
        if token.kind == "else":
            return self._body_to_end("else")
        if token.kind != node.kind:
            raise self.unexpected(token, "else")
        self._next_word()
        return [self._branch(token)]

    def _call(self, token: Token) -> Call:
        context = f"{token.kind} clause"
        name_token = self._next_word()
        if name_token.kind not in {"string", "raw"}:
            raise self.unexpected(name_token, context)
        name = literals.unquote(name_token.text)
        pipe = None
        if token.kind == "block" or self._peek_word().kind != "}}":
            pipe = self._pipeline(context, "}}")
        else:
            self._next_word()
        if token.kind == "block":
            outer, self.variables = self.variables, ["$"]
            self.defined.setdefault(name, self._body_to_end("block clause"))
            self.variables = outer
        return Call(name_token.pos, name, pipe)

    # pipelines

    def _pipeline(self, context: str, end: str) -> Pipe:
        start = self._peek_word()
        pipe = self._declarations(start.pos, context)
        while True:
            token = self._next_word()
            if token.kind == end:
                self._check_pipeline(pipe, context)
                return pipe
            if token.kind not in OPERANDS:
                raise self.unexpected(token, context)
            self.index -= 1
            pipe.commands.append(self._command())

    def _check_pipeline(self, pipe: Pipe, context: str) -> None:
        if not pipe.commands:
            raise self.error(f"missing value for {context}")
        for position, command in enumerate(pipe.commands[1:], start=2):
            if isinstance(command.args[0], (Literal, Dot, Nil)):
                raise self.error(f"non executable command in pipeline stage {position}")

    def _declarations(self, pos: int, context: str) -> Pipe:
        pipe = Pipe(pos, [], assigns=False)
        while self._peek_word().kind == "variable":
            variable_at = self.index
            token = self._next()
            following = self._peek_word()
            if following.kind in {":=", "="}:
                self._next()
                pipe.assigns = following.kind == "="
                self._declare(pipe, token)
                break
            if following.kind == "," and context == "range" and len(pipe.variables) < 1:
                self._next()
                self._declare(pipe, token)
                continue
            self.index = variable_at
            break
        return pipe

    def _declare(self, pipe: Pipe, token: Token) -> None:
        pipe.variables.append(Variable(token.pos, token.text, []))
        self.variables.append(token.text)

    def _command(self) -> Command:
        command = Command(self._peek_word().pos, [])
        while True:
            self._skip_space()
            operand = self._operand()
            if operand is not None:
                command.args.append(operand)
            token = self._next()
            if token.kind == "space":
                continue
            if token.kind in {"}}", ")"}:
                self.index -= 1
            elif token.kind != "|":
                raise self.unexpected(token, "operand")
            break
        if not command.args:
            raise self.error("empty command")
        return command

    def _operand(self) -> Node | None:
        node = self._term()
        if node is None or self._peek().kind != "field":
            return node
        pos = self._peek().pos
        names: list[str] = []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        if isinstance(node, Field):
            return Field(pos, node.names + names)
        if isinstance(node, Variable):
            return Variable(pos, node.name, node.names + names)
        if isinstance(node, (Literal, Nil, Dot)):
            raise self.error(f"unexpected . after term {_text(str(node))}")
        return Chain(pos, node, names)

    def _term(self) -> Node | None:
        token = self._next()
        kind = token.kind
        if kind == "identifier":
            return self._function(token)
        if kind == "variable":
            return self._variable(token)
        if kind == "field":
            return Field(token.pos, [token.text[1:]])
        if kind == "(":
            return self._pipeline("parenthesized pipeline", ")")
        if kind == ".":
            return Dot(token.pos)
        if kind == "nil":
            return Nil(token.pos)
        if kind in LITERALS:
            return self._literal(token)
        self.index -= 1
        return None

    def _function(self, token: Token) -> Node:
        if token.text not in self.functions:
            raise self.error(f"function {_text(token.text)} not defined", token)
        return Identifier(token.pos, token.text)

    def _variable(self, token: Token) -> Node:
        if token.text not in self.variables:
            raise self.error(f"undefined variable {_text(token.text)}", token)
        return Variable(token.pos, token.text, [])

    def _literal(self, token: Token) -> Node:
        try:
            return Literal(token.pos, token.text, LITERALS[token.kind](token.text))
        except (ValueError, IndexError):
            raise self.error(_malformed(token), token) from None


def _malformed(token: Token) -> str:
    if token.kind == "char":
        return f"malformed character constant: {token.text}"
    if token.text.isdigit():
        return f"integer overflow: {_text(token.text)}"
    return f"bad number syntax: {_text(token.text)}"


def _text(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


LITERALS = {
    "bool": lambda text: text == "true",
    "string": literals.unquote,
    "raw": literals.unquote,
    "char": literals.character,
    "number": literals.number,
}
