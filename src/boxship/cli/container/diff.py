"""`boxship diff`."""

from boxship.cli.command import Command
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


KINDS = "CAD"


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """C, A or D and a path, a line each."""
    if not arguments[0]:
        raise Failure("Container name cannot be empty")
    for change in session.client.get(f"/containers/{arguments[0]}/changes") or ():
        session.out(f"{KINDS[change['Kind']]} {change['Path']}\n")
    return 0


COMMAND = Command(
    "CONTAINER",
    "Show which files of a container changed",
    run,
    limits=(1, 1),
    aliases=(
        "container diff",
        "diff",
    ),
)
