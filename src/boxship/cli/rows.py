"""Lists: rows printed by a template, as a table under a header, or as JSON."""

from boxship.cli.failure import Failure
from boxship.cli.table import aligned
from boxship.wire.gotemplate.encoding import HtmlSafe
from boxship.wire.gotemplate.functions import HEADER
from boxship.wire.gotemplate.template import Template, TemplateError
from boxship.wire.gotemplate.values import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import ClassVar, TypeAlias

    from boxship.api.docker.http import Json

    # Name of a column -> its header, and the function that makes a row's value.
    Columns: TypeAlias = dict[str, tuple[str, Callable[..., Json]]]

JSON_FORMAT = "{{json .}}"
NOTHING: "Json" = {}


class Row(Struct):
    """One line: `columns` maps a name to its header and to the function that makes its value.

    `methods` are names that a template may call with an argument.
    """

    __slots__ = ("data",)

    go_type = "formatter.Context"
    columns: "ClassVar[Columns]" = NOTHING
    methods: "ClassVar[dict[str, Callable[..., Json]]]" = NOTHING

    def __init__(self, data: "Json") -> None:
        """`data` is what the row is about."""
        super().__init__(self.go_type, {}, pointer=True)
        self.data = data

    def method(self, name: str) -> "Callable[..., Json] | None":
        """A column by its name."""
        found = self.columns.get(name)
        if found is not None:
            return lambda: found[1](self)
        extra = self.methods.get(name)
        return (lambda *arguments: extra(self, *arguments)) if extra is not None else None

    def encoded(self) -> "Json":
        """All columns, by name."""
        return HtmlSafe({name: self.columns[name][1](self) for name in sorted(self.columns)})


class Header(Struct):
    """The names of the columns, as the header's template sees them."""

    __slots__ = ()

    def __init__(self, columns: "Columns") -> None:
        """From a row's columns."""
        super().__init__("formatter.SubHeaderContext", {})
        self.fields = {name: header for name, (header, _) in columns.items() if header}

    def method(self, name: str) -> "Callable[..., Json] | None":
        """`.Label "com.example.some-name"` is headed `some name`."""
        if name == "Label":
            return lambda label: label.split(".")[-1].replace("-", " ").replace("_", " ")
        if name not in self.fields:
            from boxship.wire.gotemplate.values import NO_VALUE

            return lambda: NO_VALUE
        return None


class Format:
    """How to print a list."""

    __slots__ = ("is_table", "template")

    def __init__(self, text: str) -> None:
        """`text` as after --format, already chosen."""
        self.is_table = text == "table" or text.startswith("table ")
        if text == "json":
            text = JSON_FORMAT
        if self.is_table:
            text = text[len("table") :]
        text = text.strip(" ").replace("\\t", "\t").replace("\\n", "\n")
        self.template = _parsed(text)

    def render(self, rows: "Iterable[Row]", kind: type[Row]) -> str:
        """The whole text; `kind` gives the header also where there are no rows."""
        body = "".join(f"{_rendered(self.template, row)}\n" for row in rows)
        if not self.is_table:
            return body
        header = Template(self.template.text, functions=HEADER)
        return aligned(f"{_rendered(header, Header(kind.columns))}\n{body}")


def _parsed(text: str) -> Template:
    try:
        return Template(text)
    except TemplateError as error:
        raise Failure(f"failed to parse template: {error}") from None


def _rendered(template: Template, row: Struct) -> str:
    try:
        return template.render(row)
    except TemplateError as error:
        raise Failure(f"failed to execute template: {error}") from None


def chosen(given: str, configured: str, *, quiet: bool = False) -> str:
    """The format to use: the flag's, else the configured one unless --quiet, else `table`."""
    return given or ("" if quiet else configured) or "table"
