"""`boxship events`."""

import time

from boxship.api.docker.client import Request
from boxship.cli import kinds, lists, text
from boxship.cli.command import FILTER, Command, Flag
from boxship.cli.container.logs import moment
from boxship.cli.failure import Failure
from boxship.cli.schema import typed
from boxship.wire.gotemplate.template import Template, TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", _arguments: list[str]) -> int:
    """Print events, a line each, until the end or for ever."""
    template = _template(flags["format"])
    now = time.time()
    request = Request(
        query={
            "since": moment(flags["since"], now),
            "until": moment(flags["until"], now),
            "filters": lists.filters(flags["filter"]),
        }
    )
    import sys

    for event in session.client.messages("GET", "/events", request):
        if template is None:
            session.out(f"{line(event)}\n")
        else:
            session.out(f"{template.render(typed(event, 'Event'))}\n")
        sys.stdout.flush()
    return 0


def _template(given: str) -> Template | None:
    if not given:
        return None
    try:
        return Template("{{json .}}" if given == "json" else given)
    except TemplateError as error:
        raise Failure(f"Error parsing format: {error}", 64) from None


def line(event: "Json") -> str:
    """One event in words."""
    nanoseconds = event.get("timeNano") or event.get("time", 0) * 10**9
    local = time.localtime(nanoseconds // 10**9)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", local)
    fraction = f"{nanoseconds % 10**9:09d}"
    actor = event.get("Actor") or {}
    what = f"{event['Type']} {event['Action']} {actor.get('ID', '')}"
    head = f"{stamp}.{fraction}{text.zone(local)} {what}"
    attributes = actor.get("Attributes") or {}
    if not attributes:
        return head
    return f"{head} ({', '.join(f'{name}={attributes[name]}' for name in sorted(attributes))})"


COMMAND = Command(
    "[OPTIONS]",
    "Show what happens in the engine, as it happens",
    run,
    flags=(
        FILTER,
        Flag("format", kinds.STRING, "'json', or a Go template for each event"),
        Flag("since", kinds.STRING, "From a time on: a date and time, or an age as 42m"),
        Flag("until", kinds.STRING, "Up to a time: a date and time, or an age as 42m"),
    ),
    limits=(0, 0),
    aliases=("system events", "events"),
)
