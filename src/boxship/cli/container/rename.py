"""`boxship rename`."""

from boxship.cli.command import Command
from boxship.cli.each import each
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """Give a container another name."""
    old, new = (argument.strip() for argument in arguments)
    if not old or not new:
        raise Failure("Error: Neither old nor new names may be empty")

    def do(name: str) -> None:
        session.client.post(f"/containers/{name}/rename", name=new)

    if each(session, [old], do):
        raise Failure(f"Error: failed to rename container named {old}")
    return 0


COMMAND = Command(
    "CONTAINER NEW_NAME",
    "Rename a container",
    run,
    limits=(2, 2),
    aliases=(
        "container rename",
        "rename",
    ),
)
