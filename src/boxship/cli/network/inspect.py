"""`boxship network inspect`."""

from boxship.cli import kinds
from boxship.cli.command import FORMAT_ONE, MANY, Command, Flag
from boxship.cli.inspection import fetch, inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Print networks."""
    client, verbose = session.client, flags["verbose"]
    return inspect(
        session,
        arguments,
        flags["format"],
        lambda name: fetch(client, "Network", f"/networks/{name}", verbose=verbose),
    )


COMMAND = Command(
    "[OPTIONS] NETWORK [NETWORK...]",
    "Show all that is known of networks",
    run,
    flags=(FORMAT_ONE, Flag("verbose", kinds.BOOL, "Show what helps to find faults", "v")),
    limits=(1, MANY),
)
