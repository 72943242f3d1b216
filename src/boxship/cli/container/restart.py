"""`boxship restart`."""

from boxship.cli.command import MANY, Command
from boxship.cli.container.stop import FLAGS, end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Restart one or more containers."""
    return end("restart", session, flags, arguments)


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Restart one or more containers",
    run,
    flags=FLAGS,
    limits=(1, MANY),
    aliases=(
        "container restart",
        "restart",
    ),
)
