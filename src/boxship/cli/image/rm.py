"""`boxship rmi`."""

from boxship.api.docker.client import Refused
from boxship.cli import kinds, lists
from boxship.cli.command import MANY, Command, Flag
from boxship.cli.failure import Failure
from boxship.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Remove images; what was untagged and deleted, then what failed."""
    failures: list[str] = []
    platforms = [lists.platform(text) for text in flags["platform"]]
    fatal = False
    for name in arguments:
        try:
            removed = session.client.delete(
                f"/images/{name}",
                force=flags["force"],
                noprune=flags["no-prune"],
                platforms=platforms,
            )
        except Refused as error:
            failures.append(f"Error response from daemon: {error.message}")
            fatal = fatal or error.kind is not NotFound
            continue
        for step in removed:
            if "Deleted" in step:
                session.out(f"Deleted: {step['Deleted']}\n")
            else:
                session.out(f"Untagged: {step['Untagged']}\n")
    if not failures:
        return 0
    if flags["force"] and not fatal:
        session.err("\n".join(failures))
        return 0
    raise Failure("\n".join(failures))


COMMAND = Command(
    "[OPTIONS] IMAGE [IMAGE...]",
    "Remove one or more images",
    run,
    flags=(
        Flag("force", kinds.BOOL, "Remove it also while it has names or stopped containers", "f"),
        Flag("no-prune", kinds.BOOL, "Keep parents that have no name"),
        Flag("platform", kinds.STRINGS, "Only this platform of it, os[/arch[/variant]]"),
    ),
    limits=(1, MANY),
    aliases=("image rm", "image remove", "rmi"),
)
