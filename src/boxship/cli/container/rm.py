"""`boxship rm`."""

from boxship.api.docker.client import Refused
from boxship.cli import kinds
from boxship.cli.command import MANY, Command, Flag
from boxship.cli.each import each_or_fail
from boxship.cli.failure import Failure
from boxship.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Remove containers; a missing one is fine with --force."""

    def do(name: str) -> str | None:
        path = name.strip("/")
        if not path:
            raise Failure("Container name cannot be empty")
        try:
            session.client.delete(
                f"/containers/{path}", v=flags["volumes"], link=flags["link"], force=flags["force"]
            )
        except Refused as error:
            if not (flags["force"] and error.kind is NotFound):
                raise
            session.err(f"Error response from daemon: {error.message}")
            return None
        return name

    return each_or_fail(session, arguments, do)


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Remove one or more containers",
    run,
    flags=(
        Flag("force", kinds.BOOL, "Kill it first if it runs", "f"),
        Flag("link", kinds.BOOL, "Remove the link, not the container", "l"),
        Flag("volumes", kinds.BOOL, "Remove its volumes without name", "v"),
    ),
    limits=(1, MANY),
    aliases=(
        "container rm",
        "container remove",
        "rm",
    ),
)
