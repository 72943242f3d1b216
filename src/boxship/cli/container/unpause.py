"""`boxship unpause`."""

from boxship.cli.command import MANY, Command
from boxship.cli.each import each_or_fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """Thaw the processes of one or more containers."""

    def do(name: str) -> str:
        session.client.post(f"/containers/{name}/unpause")
        return name

    return each_or_fail(session, arguments, do)


COMMAND = Command(
    "CONTAINER [CONTAINER...]",
    "Thaw the processes of one or more containers",
    run,
    limits=(1, MANY),
    aliases=(
        "container unpause",
        "unpause",
    ),
)
