"""`boxship create`."""

from boxship.cli.command import MANY, Command
from boxship.cli.container import created
from boxship.cli.container.options import CREATE
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Create a container and print its id."""
    created.check_system(flags)
    try:
        created.check_pull(flags)
        body = created.body_of(session, flags, arguments)
    except Failure as failure:
        raise Failure(
            f"{session.program}: {failure.message}\n\n"
            f"Run '{session.path} --help' for more information",
            125,
        ) from None
    session.out(f"{created.create(session, flags, body)}\n")
    return 0


COMMAND = Command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create a new container",
    run,
    flags=CREATE,
    limits=(1, MANY),
    aliases=("container create", "create"),
)
