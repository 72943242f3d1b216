"""The pieces of a parsed template.  `str(node)` is the node as text, for error messages."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.wire.gotemplate.values import Value


class Node:
    """Value piece; `pos` is where it stands in the template."""

    __slots__ = ("pos",)

    def __init__(self, pos: int) -> None:
        """A node at `pos`."""
        self.pos = pos


class Text(Node):
    """Plain text."""

    __slots__ = ("text",)

    def __init__(self, pos: int, text: str) -> None:
        """The text, as it is printed."""
        super().__init__(pos)
        self.text = text


class Literal(Node):
    """A constant: string, number, character, true, false; `text` as it was written."""

    __slots__ = ("text", "value")

    def __init__(self, pos: int, text: str, value: "Value") -> None:
        """The constant's value beside its text."""
        super().__init__(pos)
        self.text = text
        self.value = value

    def __str__(self) -> str:
        return self.text


class Nil(Node):
    """The word nil."""

    __slots__ = ()

    def __str__(self) -> str:
        return "nil"


class Dot(Node):
    """The dot."""

    __slots__ = ()

    def __str__(self) -> str:
        return "."


class Identifier(Node):
    """The name of a function."""

    __slots__ = ("name",)

    def __init__(self, pos: int, name: str) -> None:
        """The function's name."""
        super().__init__(pos)
        self.name = name

    def __str__(self) -> str:
        return self.name


class Field(Node):
    """`.A.B`: fields of the dot."""

    __slots__ = ("names",)

    def __init__(self, pos: int, names: list[str]) -> None:
        """The names, from the dot inward."""
        super().__init__(pos)
        self.names = names

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


class Variable(Node):
    """`$x.A`: a variable and fields of it."""

    __slots__ = ("name", "names")

    def __init__(self, pos: int, name: str, names: list[str]) -> None:
        """`name` is with its dollar."""
        super().__init__(pos)
        self.name = name
        self.names = names

    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


class Chain(Node):
    """`(pipeline).A`: fields of a value in parentheses."""

    __slots__ = ("names", "node")

    def __init__(self, pos: int, node: Node, names: list[str]) -> None:
        """The value and the names."""
        super().__init__(pos)
        self.node = node
        self.names = names

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return inner + "".join(f".{name}" for name in self.names)


class Command(Node):
    """One step of a pipeline: a value, or a function and its arguments."""

    __slots__ = ("args",)

    def __init__(self, pos: int, args: list[Node]) -> None:
        """The words of the step."""
        super().__init__(pos)
        self.args = args

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


class Pipe(Node):
    """Steps, each getting the value of the one before; perhaps stored in variables."""

    __slots__ = ("assigns", "commands", "variables")

    def __init__(self, pos: int, variables: list[Variable], *, assigns: bool) -> None:
        """`assigns`: `=` and not `:=`."""
        super().__init__(pos)
        self.variables = variables
        self.assigns = assigns
        self.commands: list[Command] = []

    def __str__(self) -> str:
        steps = " | ".join(str(command) for command in self.commands)
        if not self.variables:
            return steps
        names = ", ".join(variable.name for variable in self.variables)
        return f"{names} {'=' if self.assigns else ':='} {steps}"


class Action(Node):
    """`{{pipeline}}`: printed, unless it sets variables."""

    __slots__ = ("pipe",)

    def __init__(self, pos: int, pipe: Pipe) -> None:
        """The pipeline."""
        super().__init__(pos)
        self.pipe = pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


class Branch(Node):
    """if, with or range, by `kind`: a body and what stands after else."""

    __slots__ = ("body", "kind", "otherwise", "pipe")

    def __init__(self, pos: int, kind: str, pipe: Pipe) -> None:
        """The bodies are filled by the parser."""
        super().__init__(pos)
        self.kind = kind
        self.pipe = pipe
        self.body: list[Node] = []
        self.otherwise: list[Node] | None = None

    def __str__(self) -> str:
        return f"{{{{{self.kind} {self.pipe}}}}}"


class Jump(Node):
    """break or continue."""

    __slots__ = ("kind",)

    def __init__(self, pos: int, kind: str) -> None:
        """`kind` is the word."""
        super().__init__(pos)
        self.kind = kind

    def __str__(self) -> str:
        return f"{{{{{self.kind}}}}}"


class Call(Node):
    """`{{template "name" pipeline}}`."""

    __slots__ = ("name", "pipe")

    def __init__(self, pos: int, name: str, pipe: Pipe | None) -> None:
        """Without a pipeline the dot is nil in there."""
        super().__init__(pos)
        self.name = name
        self.pipe = pipe

    def __str__(self) -> str:
        tail = f" {self.pipe}" if self.pipe else ""
        return f'{{{{template "{self.name}"{tail}}}}}'
