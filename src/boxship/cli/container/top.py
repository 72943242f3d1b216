"""`boxship top`."""

from boxship.cli.command import MANY, Command
from boxship.cli.table import aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """What ps prints, in columns."""
    options = " ".join(arguments[1:]) or None
    answer = session.client.get(f"/containers/{arguments[0]}/top", ps_args=options)
    rows = [answer["Titles"], *(answer["Processes"] or [])]
    session.out(aligned("".join("\t".join(row) + "\n" for row in rows), narrowest=20))
    return 0


COMMAND = Command(
    "CONTAINER [ps OPTIONS]",
    "Show the processes of a container",
    run,
    limits=(1, MANY),
    aliases=(
        "container top",
        "top",
    ),
)
