"""`boxship volume inspect`."""

from boxship.cli.command import FORMAT_ONE, MANY, Command
from boxship.cli.inspection import fetch, inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Print volumes."""
    client = session.client
    return inspect(
        session,
        arguments,
        flags["format"],
        lambda name: fetch(client, "Volume", f"/volumes/{name}"),
    )


COMMAND = Command(
    "[OPTIONS] VOLUME [VOLUME...]",
    "Show all that is known of volumes",
    run,
    flags=(FORMAT_ONE,),
    limits=(1, MANY),
)
