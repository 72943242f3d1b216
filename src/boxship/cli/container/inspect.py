"""`boxship container inspect`."""

from boxship.cli import kinds
from boxship.cli.command import FORMAT_ONE, MANY, Command, Flag
from boxship.cli.inspection import fetch, inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Print containers."""
    client, size = session.client, flags["size"]
    return inspect(
        session,
        arguments,
        flags["format"],
        lambda name: fetch(client, "Container", f"/containers/{name}/json", size=size),
    )


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Show all that is known of containers",
    run,
    flags=(FORMAT_ONE, Flag("size", kinds.BOOL, "Show sizes", "s")),
    limits=(1, MANY),
)
