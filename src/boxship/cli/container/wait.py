"""`boxship wait`."""

from boxship.cli.command import MANY, Command
from boxship.cli.each import each_or_fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """Wait for containers, one after the other."""

    def do(name: str) -> str:
        answer = session.client.post(f"/containers/{name}/wait")
        return str(answer["StatusCode"])

    return each_or_fail(session, arguments, do)


COMMAND = Command(
    "CONTAINER [CONTAINER...]",
    "Wait until containers stop, then print their exit codes",
    run,
    limits=(1, MANY),
    aliases=(
        "container wait",
        "wait",
    ),
)
