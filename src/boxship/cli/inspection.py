"""Inspecting: fetch by name, print as JSON or by a template; a missing one stops no other."""

import json

from boxship.api.docker.client import Refused
from boxship.cli.failure import Failure
from boxship.cli.schema import typed
from boxship.wire.gotemplate.encoding import encode_ordered
from boxship.wire.gotemplate.template import Template, TemplateError
from boxship.wire.gotemplate.values import Number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.api.docker.client import Client
    from boxship.api.docker.http import Json
    from boxship.cli.session import Session

INDENT = 4


class Found:
    """One object: the JSON as it came, and the name of its type."""

    __slots__ = ("kind", "raw")

    def __init__(self, kind: str, raw: bytes) -> None:
        """`kind` is a type of the schema, or ''."""
        self.kind = kind
        self.raw = raw


def fetch(client: "Client", kind: str, path: str, **query: "Json") -> Found:
    """GET one object, unparsed."""
    from boxship.api.docker.client import Request

    return Found(kind, client.raw("GET", path, Request(query=query)))


def inspect(
    session: "Session", names: list[str], template: str, find: "Callable[[str], Found]"
) -> int:
    """Print all that are found; then complain of the others."""
    printer = Printer(template)
    failures: list[str] = []
    for name in names:
        try:
            printer.add(find(name))
        except Refused as error:
            failures.append(f"Error response from daemon: {error.message}")
        except Failure as failure:
            failures.append(failure.message)
    session.out(printer.text())
    if failures:
        raise Failure("\n".join(failures))
    return 0


class Printer:
    """Gathers what is printed of several objects."""

    def __init__(self, template: str) -> None:
        """Without a template it is an indented list, with `json` a list on one line."""
        self.values: list[Json] = []
        self.lines: list[str] = []
        self.as_list = template in {"", "json"}
        self.indented = not template
        self.template = None if self.as_list else _parsed(template)

    def add(self, found: Found) -> None:
        """One object more."""
        if self.template is None:
            self.values.append(json.loads(found.raw))
        else:
            self.lines.append(self._rendered(self.template, found))

    def _rendered(self, template: Template, found: Found) -> str:
        try:
            return template.render(typed(json.loads(found.raw), found.kind))
        except TemplateError:
            pass
        # As JSON has it: names of fields that the type does not have, or spells otherwise.
        raw = json.loads(found.raw, parse_int=Number, parse_float=Number)
        try:
            return template.render(raw, missing_is_error=True)
        except TemplateError as error:
            raise Failure(f"template parsing error: {error}") from None

    def text(self) -> str:
        """All of it."""
        if self.as_list:
            return (indented if self.indented else encode_ordered)(self.values) + "\n"
        return "\n".join(self.lines) + "\n"


def _parsed(template: str) -> Template:
    try:
        return Template(template)
    except TemplateError as error:
        raise Failure(f"template parsing error: {error}", 64) from None


def indented(value: "Json") -> str:
    """JSON as Go indents it."""
    text = json.dumps(value, indent=INDENT, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
