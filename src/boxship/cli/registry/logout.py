"""`boxship logout`."""

from boxship.cli import credentials
from boxship.cli.command import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """Remove the credentials from config.json."""
    server = arguments[0] if arguments else credentials.HUB_KEY
    session.out(f"Removing login credentials for {server}\n")
    credentials.forget(session.config, server)
    return 0


COMMAND = Command(
    "[SERVER]",
    "Forget the credentials of a registry",
    run,
    limits=(0, 1),
)
