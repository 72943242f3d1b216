"""What the lists of different things share."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def filters(terms: list[tuple[str, str]]) -> str | None:
    """--filter terms as the API takes them."""
    found: dict[str, dict[str, bool]] = {}
    for name, value in terms:
        if name:
            found.setdefault(name, {})[value] = True
    return json.dumps(found, separators=(",", ":")) if found else None


def platform(text: str) -> str | None:
    """os[/arch[/variant]] as the API takes it."""
    if not text:
        return None
    names = ("os", "architecture", "variant")
    return json.dumps(dict(zip(names, text.split("/"), strict=False)), separators=(",", ":"))


def labels(values: "Json") -> str:
    """Labels as `a=b,c=d`."""
    return ",".join(f"{name}={value}" for name, value in sorted((values or {}).items()))


def warn_about_format(session: "Session", flags: "Values") -> None:
    """--quiet makes --format idle."""
    if flags["quiet"] and flags["format"]:
        session.err("WARNING: Ignoring custom format, because both --format and --quiet are set.")
