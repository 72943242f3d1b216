"""Carries a parsed template out on a value."""

from boxship.wire.gotemplate import functions as builtin
from boxship.wire.gotemplate.errors import CallError, TemplateError
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
from boxship.wire.gotemplate.printing import show
from boxship.wire.gotemplate.values import (
    NO_VALUE,
    Map,
    Pointer,
    Struct,
    is_nil,
    is_true,
    type_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from boxship.wire.gotemplate.template import Template
    from boxship.wire.gotemplate.values import Value

    # What was written, its own arguments, and the value that the pipeline hands on.
    Called: TypeAlias = tuple[Node, list[Node], list[Value]]

DEPTH = 1000


class LoopBreak(Exception):
    """break, on its way to the range."""


class LoopContinue(Exception):
    """continue, on its way to the range."""


class Evaluator:
    """One execution: the output so far, the variables, the node that is being looked at."""

    def __init__(self, template: "Template", name: str, *, missing_is_error: bool) -> None:
        """`missing_is_error`: a missing key of a map is one, as with Go's missingkey=error."""
        self.template = template
        self.name = name
        self.missing_is_error = missing_is_error
        self.output: list[str] = []
        self.variables: list[tuple[str, Value]] = []
        self.node: Node | None = None
        self.depth = 0
        # Where the value came from whose field is asked for.
        self.holder: Value = None

    def error(self, message: str) -> TemplateError:
        """The error at the present node, in Go's form."""
        if self.node is None:
            return TemplateError(f"template: {self.name}: {message}")
        before = self.template.text[: self.node.pos]
        line = 1 + before.count("\n")
        column = len(before[before.rfind("\n") + 1 :].encode())
        where = f"{self.template.name}:{line}:{column}"
        return TemplateError(
            f'template: {where}: executing "{self.name}" at <{self.node}>: {message}'
        )

    def run(self, nodes: list[Node], dot: "Value") -> None:
        """Carry out a whole template, with its own variables."""
        outer, self.variables = self.variables, [("$", dot)]
        self._walk(nodes, dot)
        self.variables = outer

    # nodes that print

    def _walk(self, nodes: list[Node], dot: "Value") -> None:
        for node in nodes:
            if isinstance(node, Text):
                self.output.append(node.text)
            else:
                self.node = node
                self._step(node, dot)

    def _step(self, node: Node, dot: "Value") -> None:
        if isinstance(node, Action):
            value = self._pipeline(node.pipe, dot)
            if not node.pipe.variables:
                self.output.append("<no value>" if value is NO_VALUE else show(value))
        elif isinstance(node, Branch):
            self._branch(node, dot)
        elif isinstance(node, Call):
            self._call_template(node, dot)
        elif isinstance(node, Jump):
            raise LoopBreak if node.kind == "break" else LoopContinue

    def _branch(self, node: Branch, dot: "Value") -> None:
        known = len(self.variables)
        value = self._pipeline(node.pipe, dot)
        if node.kind == "range":
            self._range(node, dot, value)
        elif is_true(value):
            self._walk(node.body, value if node.kind == "with" else dot)
        elif node.otherwise is not None:
            self._walk(node.otherwise, dot)
        del self.variables[known:]

    def _range(self, node: Branch, dot: "Value", value: "Value") -> None:
        known = len(self.variables)
        empty = True
        try:
            for key, item in self._items(value):
                empty = False
                self._set_range(node.pipe, key, item)
                self._iteration(node, item)
                del self.variables[known:]
        except LoopBreak:
            del self.variables[known:]
        if empty and node.otherwise is not None:
            self._walk(node.otherwise, dot)

    def _iteration(self, node: Branch, item: "Value") -> None:
        try:
            self._walk(node.body, item)
        except LoopContinue:
            return

    def _items(self, value: "Value") -> "Iterator[tuple[Value, Value]]":
        if isinstance(value, list):
            return iter(enumerate(value))
        if isinstance(value, dict):
            return ((key, value[key]) for key in sorted(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return ((number, number) for number in range(value))
        if is_nil(value):
            return iter(())
        raise self.error(f"range can't iterate over {show(value)}")

    def _set_range(self, pipe: Pipe, key: "Value", item: "Value") -> None:
        values = {0: (), 1: (item,), 2: (key, item)}[len(pipe.variables)]
        for variable, value in zip(pipe.variables, values, strict=True):
            if pipe.assigns:
                self._assign(variable.name, value)
            else:
                self.variables.append((variable.name, value))

    def _call_template(self, node: Call, dot: "Value") -> None:
        nodes = self.template.defined.get(node.name)
        if nodes is None:
            raise self.error(f'template "{node.name}" not defined')
        if self.depth == DEPTH // 10:
            raise self.error(f"exceeded maximum template depth ({DEPTH // 10})")
        inner = self._pipeline(node.pipe, dot) if node.pipe else NO_VALUE
        outer, self.name = self.name, node.name
        self.depth += 1
        self.run(nodes, inner)
        self.depth -= 1
        self.name = outer

    # pipelines

    def _pipeline(self, pipe: Pipe, dot: "Value") -> "Value":
        self.node = pipe
        value: Value = NO_VALUE
        for position, command in enumerate(pipe.commands):
            value = self._command(dot, command, [value] if position else [])
        for variable in pipe.variables:
            if pipe.assigns:
                self._assign(variable.name, value)
            else:
                self.variables.append((variable.name, value))
        return value

    def _assign(self, name: str, value: "Value") -> None:
        for position in range(len(self.variables) - 1, -1, -1):
            if self.variables[position][0] == name:
                self.variables[position] = (name, value)
                return
        raise self.error(f"undefined variable: {name}")

    def _command(self, dot: "Value", command: Command, final: "list[Value]") -> "Value":
        first = command.args[0]
        if isinstance(first, (Field, Variable, Chain, Identifier)):
            return self._called(dot, first, (command, command.args[1:], final))
        self.node = first
        if isinstance(first, Pipe):
            if len(command.args) > 1 or final:
                raise self.error(f"can't give argument to non-function {first}")
            return self._pipeline(first, dot)
        if len(command.args) > 1 or final:
            raise self.error(f"can't give argument to non-function {first}")
        if isinstance(first, Nil):
            raise self.error("nil is not a command")
        return dot if isinstance(first, Dot) else first.value  # type: ignore[attr-defined]

    def _called(self, dot: "Value", node: Node, call: "Called") -> "Value":
        _, args, final = call
        self.node = node
        if isinstance(node, Identifier):
            return self._function(dot, node, call)
        if isinstance(node, Field):
            return self._fields(dot, dot, node.names, (node, args, final))
        if isinstance(node, Chain):
            start = self._argument(dot, node.node)
            return self._fields(dot, start, node.names, (node, args, final))
        assert isinstance(node, Variable)
        value = self._variable(node.name)
        if not node.names:
            if args or final:
                raise self.error(f"can't give argument to non-function {node}")
            return value
        return self._fields(dot, value, node.names, (node, args, final))

    def _variable(self, name: str) -> "Value":
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.error(f"undefined variable: {name}")

    # fields

    def _fields(
        self,
        dot: "Value",
        value: "Value",
        names: list[str],
        call: "Called",
    ) -> "Value":
        node, args, final = call
        for position, name in enumerate(names):
            holder = value
            last = position == len(names) - 1
            value = self._field(dot, value, name, (node, args, final) if last else (node, [], []))
            self.holder = holder
        self.holder = None
        return value

    def _field(self, dot: "Value", value: "Value", name: str, call: "Called") -> "Value":
        node, args, final = call
        self.node = node
        if value is NO_VALUE or value is None:
            return self._field_of_nothing(value, name)
        if isinstance(value, Struct):
            return self._member(dot, value, name, call)
        if isinstance(value, dict):
            return self._entry(value, name, has_args=bool(args or final))
        if isinstance(value, Pointer):
            raise self.error(f"nil pointer evaluating *{value.type_name}.{name}")
        plain = isinstance(self.holder, dict) and not isinstance(self.holder, Map)
        type_name = "interface {}" if plain else type_of(value)
        raise self.error(f"can't evaluate field {name} in type {type_name}")

    def _field_of_nothing(self, value: "Value", name: str) -> "Value":
        if value is None:
            raise self.error(f"nil pointer evaluating interface {{}}.{name}")
        if self.missing_is_error:
            raise self.error(f'nil data; no entry for key "{name}"')
        return NO_VALUE

    def _entry(self, value: "dict[str, Value]", name: str, *, has_args: bool) -> "Value":
        if has_args:
            raise self.error(f"{name} is not a method but has arguments")
        if name in value:
            return value[name]
        if self.missing_is_error:
            raise self.error(f'map has no entry for key "{name}"')
        return NO_VALUE

    def _member(self, dot: "Value", value: Struct, name: str, call: "Called") -> "Value":
        _, args, final = call
        method = value.method(name)
        if method is not None:
            values = [self._argument(dot, arg) for arg in args] + final
            return self._invoke(name, method, values)
        if name in value.fields:
            if args or final:
                raise self.error(f"{name} has arguments but cannot be invoked as function")
            return value.fields[name]
        raise self.error(f"can't evaluate field {name} in type {type_of(value)}")

    # functions

    def _argument(self, dot: "Value", node: Node) -> "Value":
        self.node = node
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Dot):
            return dot
        if isinstance(node, Nil):
            return None
        if isinstance(node, Pipe):
            return self._pipeline(node, dot)
        return self._called(dot, node, (node, [], []))

    def _function(self, dot: "Value", node: Identifier, call: "Called") -> "Value":
        command, args, final = call
        name = node.name
        function = self.template.functions[name]
        self._count(name, function, len(args) + len(final))
        if name == "call":
            raise self._not_callable(dot, command, args)
        if name in {"and", "or"}:
            return self._short_circuit(dot, name, args, final)
        values = []
        for position, arg in enumerate(args):
            values.append(self._checked(function, position, self._argument(dot, arg)))
        for value in final:
            values.append(self._checked(function, len(values), value))
        self.node = command
        return self._invoke(name, function.call, values)

    def _not_callable(self, dot: "Value", command: Node, args: list[Node]) -> TemplateError:
        value = self._argument(dot, args[0]) if args else None
        self.node = command
        if is_nil(value):
            return self.error("error calling call: call of nil")
        return self.error(f"error calling call: non-function {args[0]} of type {type_of(value)}")

    def _count(self, name: str, function: "builtin.Function", given: int) -> None:
        wanted = len(function.types)
        if function.rest is not None:
            if given < wanted:
                raise self.error(
                    f"wrong number of args for {name}: want at least {wanted} got {given}"
                )
        elif given != wanted:
            raise self.error(f"wrong number of args for {name}: want {wanted} got {given}")

    def _checked(self, function: "builtin.Function", position: int, value: "Value") -> "Value":
        types = function.types
        wanted = types[position] if position < len(types) else function.rest or "any"
        if builtin.fits(value, wanted):
            return value
        if value is NO_VALUE or value is None:
            raise self.error(f"invalid value; expected {wanted}")
        if isinstance(self.node, Literal):
            raise self.error(f"expected {_TYPE_WORDS.get(wanted, wanted)}; found {self.node}")
        raise self.error(f"wrong type for value; expected {wanted}; got {type_of(value)}")

    def _short_circuit(
        self, dot: "Value", name: str, args: list[Node], final: "list[Value]"
    ) -> "Value":
        value: Value = NO_VALUE
        for arg in args:
            value = self._argument(dot, arg)
            if is_true(value) == (name == "or"):
                return value
        return final[0] if final else value

    def _invoke(self, name: str, function: "Value", values: "list[Value]") -> "Value":
        try:
            return function(*values)
        except CallError as error:
            raise self.error(f"error calling {name}: {error}") from None
        except TypeError:
            raise self.error(f"wrong number of args for {name}: got {len(values)}") from None


_TYPE_WORDS = {"int": "integer"}
