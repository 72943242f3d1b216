"""A template: parsed once, carried out on many values."""

from boxship.wire.gotemplate.errors import TemplateError
from boxship.wire.gotemplate.evaluate import Evaluator
from boxship.wire.gotemplate.functions import STANDARD
from boxship.wire.gotemplate.parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.wire.gotemplate.functions import Function
    from boxship.wire.gotemplate.values import Value

__all__ = ["Template", "TemplateError"]


class Template:
    """`Template("{{.Name}}").render({"Name": "web"})`."""

    def __init__(
        self, text: str, *, name: str = "", functions: "dict[str, Function] | None" = None
    ) -> None:
        """Parse; TemplateError where the text is not a template."""
        self.text = text
        self.name = name
        self.functions = STANDARD if functions is None else functions
        parser = Parser(name, text, self.functions)
        self.nodes = parser.parse()
        self.defined = {name: self.nodes, **parser.defined}

    def render(self, value: "Value", *, missing_is_error: bool = False) -> str:
        """The text that the template makes of the value."""
        evaluator = Evaluator(self, self.name, missing_is_error=missing_is_error)
        evaluator.run(self.nodes, value)
        return "".join(evaluator.output)
