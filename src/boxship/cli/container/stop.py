"""`boxship stop`."""

from boxship.cli import kinds
from boxship.cli.command import MANY, Command, Flag
from boxship.cli.each import each_or_fail
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


FLAGS = (
    Flag("signal", kinds.STRING, "Signal to send", "s"),
    Flag("timeout", kinds.INT, "Seconds to wait before SIGKILL", "t"),
    Flag("time", kinds.INT, ""),
)


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Stop one or more running containers."""
    return end("stop", session, flags, arguments)


def end(verb: str, session: "Session", flags: "Values", arguments: list[str]) -> int:
    """`stop` and `restart`: the same flags, another verb."""
    given = flags.changed & {"timeout", "time"}
    if len(given) == 2:
        raise Failure("conflicting options: cannot specify both --timeout and --time")
    timeout = flags[given.pop()] if given else None
    signal = flags["signal"] or None

    def do(name: str) -> str:
        session.client.post(f"/containers/{name}/{verb}", t=timeout, signal=signal)
        return name

    return each_or_fail(session, arguments, do)


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Stop one or more running containers",
    run,
    flags=FLAGS,
    limits=(1, MANY),
    aliases=(
        "container stop",
        "stop",
    ),
)
