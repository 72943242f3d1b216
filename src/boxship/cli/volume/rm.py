"""`boxship volume rm`."""

from boxship.cli import kinds
from boxship.cli.command import MANY, Command, Flag
from boxship.cli.each import each_or_fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Remove volumes that no container uses."""

    def do(name: str) -> str:
        session.client.delete(f"/volumes/{name}", force=flags["force"])
        return name

    return each_or_fail(session, arguments, do)


COMMAND = Command(
    "[OPTIONS] VOLUME [VOLUME...]",
    "Remove one or more volumes that no container uses",
    run,
    flags=(Flag("force", kinds.BOOL, "A missing volume is no error", "f"),),
    limits=(1, MANY),
    aliases=("volume rm", "volume remove"),
)
