"""`boxship inspect`: of any kind, the first that has the name."""

from boxship.api.docker.client import Refused
from boxship.cli import kinds
from boxship.cli.command import FORMAT_ONE, MANY, Command, Flag
from boxship.cli.failure import Failure
from boxship.cli.inspection import Found, fetch, inspect
from boxship.model.errors import Invalid, NotFound, Unavailable, Unsupported
from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session

# In the order in which a name is looked up.
PATHS = {
    "container": ("Container", "/containers/{}/json"),
    "image": ("Image", "/images/{}/json"),
    "network": ("Network", "/networks/{}"),
    "volume": ("Volume", "/volumes/{}"),
    "service": ("", "/services/{}"),
    "task": ("", "/tasks/{}"),
    "node": ("", "/nodes/{}"),
    "plugin": ("", "/plugins/{}/json"),
    "secret": ("", "/secrets/{}"),
    "config": ("", "/configs/{}"),
}
SWARM = {"service", "task", "node", "secret", "config"}
# What an engine answers for a kind that it does not have at the moment.
ABSENT = (NotFound, Invalid, Unavailable, Unsupported)


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Print objects of any kind."""
    kind = flags["type"]
    if "type" in flags.changed and kind not in PATHS:
        known = ", ".join(quote(name) for name in sorted(PATHS))
        if not kind:
            raise Failure(f"type is empty: must be one of {known}")
        raise Failure(f"unknown type: {quote(kind)}: must be one of {known}")
    size = flags["size"] and kind in {"", "container"}

    def find(name: str) -> Found:
        if kind:
            return _of_kind(session, kind, name, size=size)
        return _of_any_kind(session, name, size=size)

    return inspect(session, arguments, flags["format"], find)


def _of_kind(session: "Session", kind: str, name: str, *, size: bool) -> Found:
    type_name, path = PATHS[kind]
    query = {"size": size} if kind == "container" else {}
    return fetch(session.client, type_name, path.format(name), **query)


def _of_any_kind(session: "Session", name: str, *, size: bool) -> Found:
    for kind in PATHS:
        try:
            return _of_kind(session, kind, name, size=size)
        except Refused as error:
            if error.kind not in ABSENT and kind not in SWARM:
                raise
    raise Failure(f"Error: No such object: {name}")


COMMAND = Command(
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Show all that is known of objects of any kind",
    run,
    flags=(
        FORMAT_ONE,
        Flag("size", kinds.BOOL, "Show sizes of containers", "s"),
        Flag("type", kinds.STRING, "Only look for objects of this kind"),
    ),
    limits=(1, MANY),
)
