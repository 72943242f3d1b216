"""`boxship kill`."""

from boxship.cli import kinds
from boxship.cli.command import MANY, Command, Flag
from boxship.cli.each import each_or_fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Send a signal to containers."""

    def do(name: str) -> str:
        session.client.post(f"/containers/{name}/kill", signal=flags["signal"] or None)
        return name

    return each_or_fail(session, arguments, do)


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Kill one or more running containers",
    run,
    flags=(Flag("signal", kinds.STRING, "Signal to send", "s"),),
    limits=(1, MANY),
    aliases=(
        "container kill",
        "kill",
    ),
)
