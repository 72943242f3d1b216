"""`boxship version`."""

import platform
import time

from boxship.cli import text
from boxship.cli.about import API_VERSION, VERSION, architecture
from boxship.cli.command import FORMAT_ONE, Command
from boxship.cli.failure import Failure
from boxship.model.errors import BoxshipError
from boxship.wire.gotemplate.template import Template, TemplateError
from boxship.wire.gotemplate.values import Map, Pointer, Slice, Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", _arguments: list[str]) -> int:
    """Print both versions; without an engine the client's, and why."""
    server, problem = None, ""
    try:
        server = session.client.get("/version")
    except BoxshipError as error:
        from boxship.cli.main import explained

        problem = explained(error)
    client = client_version(session, server)
    if flags["format"]:
        session.out(_formatted(session, flags["format"], client, server))
    else:
        session.out(pretty(client, server))
    if problem:
        raise Failure(problem)
    return 0


def client_version(session: "Session", server: "Json") -> "Json":
    """The client's half."""
    return {
        "Platform": {"Name": "Boxship"},
        "Version": VERSION,
        "ApiVersion": session.client.version if server else API_VERSION,
        "DefaultAPIVersion": API_VERSION,
        "GitCommit": "",
        "GoVersion": f"Python {platform.python_version()}",
        "Os": "linux",
        "Arch": architecture(),
        "BuildTime": "",
        "Context": session.context,
    }


def _formatted(session: "Session", wanted: str, client: "Json", server: "Json") -> str:
    text_of_template = "{{json .}}" if wanted == "json" else wanted
    value = Struct(
        "system.versionInfo",
        {"Client": _client_struct(client), "Server": _server_struct(server)},
        source={"Client": client, "Server": server},
    )
    try:
        template = Template(text_of_template, name="version")
    except TemplateError as error:
        raise Failure(f"template parsing error: {error}", 64) from None
    try:
        return template.render(value) + "\n"
    except TemplateError as error:
        session.out("\n")
        raise Failure(str(error)) from None


def _client_struct(client: "Json") -> Struct:
    fields = {**client, "APIVersion": client["ApiVersion"]}
    fields["Platform"] = Struct("types.PlatformInfo", client["Platform"], pointer=True)
    return Struct("system.clientVersion", fields, source=client)


def _server_struct(server: "Json") -> "Json":
    if server is None:
        return Pointer("types.Version")
    fields = dict(server)
    fields["APIVersion"] = server.get("ApiVersion", "")
    fields["Os"] = server.get("Os", "")
    parts = [_component(part) for part in server.get("Components") or ()]
    fields["Components"] = Slice(parts, "types.ComponentVersion")
    fields["Platform"] = Struct("struct { Name string }", server.get("Platform") or {"Name": ""})
    return Struct("types.Version", fields, pointer=True, source=server)


def _component(part: "Json") -> Struct:
    fields = {**part, "Details": Map(part.get("Details") or {})}
    return Struct("types.ComponentVersion", fields, source=part)


def pretty(client: "Json", server: "Json") -> str:
    """Both halves as text."""
    lines = [f"Client: {client['Platform']['Name']}"]
    same = client["ApiVersion"] == client["DefaultAPIVersion"]
    downgraded = "" if same else f" (downgraded from {client['DefaultAPIVersion']})"
    for name, value in (
        ("Version", client["Version"]),
        ("API version", client["ApiVersion"] + downgraded),
        ("Python version", platform.python_version()),
        ("OS/Arch", f"{client['Os']}/{client['Arch']}"),
        ("Context", client["Context"]),
    ):
        lines.append(f" {name + ':':<19}{value}")
    if server is not None:
        lines += ["", *_server_lines(server)]
    return "\n".join(lines) + "\n"


def _server_lines(server: "Json") -> list[str]:
    name = (server.get("Platform") or {}).get("Name", "")
    lines = [f"Server: {name}".rstrip() if name else "Server:"]
    for part in server.get("Components") or (_engine_of(server),):
        details = part.get("Details") or {}
        lines.append(f" {part['Name']}:")
        lines.append(_line("Version", part["Version"]))
        if part["Name"] != "Engine":
            lines += [_line(key, details[key]) for key in sorted(details)]
            continue
        lines += _engine_lines(details)
    return lines


def _engine_lines(details: "Json") -> list[str]:
    lowest = details.get("MinAPIVersion", "")
    minimum = f" (minimum version {lowest})" if lowest else ""
    return [
        _line("API version", f"{details.get('ApiVersion', '')}{minimum}"),
        _line("Go version", details.get("GoVersion", "")),
        _line("Git commit", details.get("GitCommit", "")),
        _line("Built", build_time(details.get("BuildTime", ""))),
        _line("OS/Arch", f"{details.get('Os', '')}/{details.get('Arch', '')}"),
        _line("Experimental", details.get("Experimental", "false")),
    ]


def _line(name: str, value: object) -> str:
    return f"  {name + ':':<18}{value}"


def _engine_of(server: "Json") -> "Json":
    details = {key: str(value) for key, value in server.items() if isinstance(value, (str, bool))}
    return {"Name": "Engine", "Version": server.get("Version", ""), "Details": details}


def build_time(stamp: str) -> str:
    """RFC 3339 as `Tue Sep 15 11:02:57 2026`; any other text as it is."""
    seconds = text.seconds_of(stamp)
    if not seconds:
        return stamp
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(seconds))


COMMAND = Command(
    "[OPTIONS]",
    "Show the version of client and engine",
    run,
    flags=(FORMAT_ONE,),
    limits=(0, 0),
)
