"""`boxship info`."""

from boxship.cli.about import API_VERSION, VERSION, architecture
from boxship.cli.command import FORMAT_ONE, Command
from boxship.cli.failure import Failure
from boxship.cli.system import info_text
from boxship.model.errors import BoxshipError
from boxship.wire.gotemplate.template import Template, TemplateError
from boxship.wire.gotemplate.values import Slice, Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", _arguments: list[str]) -> int:
    """Print what the engine says of itself."""
    problem = ""
    server: Json = None
    try:
        server = session.client.get("/info")
    except BoxshipError as error:
        from boxship.cli.main import explained

        problem = explained(error)
    if flags["format"]:
        session.out(_formatted(session, flags["format"], server, problem))
        if problem:
            raise Failure(problem)
        return 0
    client = {"version": VERSION, "context": session.context, "debug": session.options["debug"]}
    session.out(info_text.whole(client, server))
    if problem:
        raise Failure(f"{problem}\nerrors pretty printing info")
    for warning in (server or {}).get("Warnings") or ():
        session.err(warning)
    return 0


def _formatted(session: "Session", wanted: str, server: "Json", problem: str) -> str:
    fields = dict(server or {})
    client = {
        "Debug": bool(session.options["debug"]),
        "Platform": {"Name": "Boxship"},
        "Version": VERSION,
        "DefaultAPIVersion": API_VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": architecture(),
        "BuildTime": "",
        "Context": session.context,
        "Plugins": [],
        "Warnings": None,
    }
    fields["ClientInfo"] = Struct("system.clientInfo", client, pointer=True)
    fields["ServerErrors"] = Slice([problem] if problem else [])
    source = {**(server or {}), "ClientInfo": client}
    value = Struct("system.dockerInfo", _typed(fields), source=source)
    try:
        template = Template("{{json .}}" if wanted == "json" else wanted)
    except TemplateError as error:
        raise Failure(f"template parsing error: {error}", 64) from None
    try:
        return template.render(value) + "\n"
    except TemplateError as error:
        raise Failure(str(error)) from None


def _typed(fields: "dict[str, Json]") -> "dict[str, Json]":
    """Lists of texts are slices of strings to Go, so that `join` takes them."""
    return {
        name: Slice(value)
        if isinstance(value, list) and all(isinstance(item, str) for item in value)
        else value
        for name, value in fields.items()
    }


COMMAND = Command(
    "[OPTIONS]",
    "Display system-wide information",
    run,
    flags=(FORMAT_ONE,),
    limits=(0, 0),
    aliases=("system info", "info"),
)
