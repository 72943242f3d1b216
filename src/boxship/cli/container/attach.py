"""`boxship attach`."""

from boxship.cli import kinds, terminal
from boxship.cli.command import DETACH_KEYS, Command, Flag
from boxship.cli.container import attachment
from boxship.cli.container.attachment import Attachment, Ending
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Attach to a running container; its exit code."""
    container = session.client.get(f"/containers/{arguments[0]}/json")
    _check_running(container["State"])
    config = container["Config"]
    stdin = config["OpenStdin"] and not flags["no-stdin"]
    terminal.check_input(tty=config["Tty"], stdin=stdin)
    keys = attachment.detach_keys(session, flags["detach-keys"])
    how = Attachment(
        session, f"/containers/{container['Id']}", tty=config["Tty"], stdin=stdin, keys=keys
    )
    how.proxy = flags["sig-proxy"] and not config["Tty"]
    ending = Ending(session, container["Id"], "not-running")
    pipe = attachment.open_pipe(session.client, container["Id"], (stdin, True, True), keys)
    how.redraw()
    if how.relay(pipe):
        ending.give_up()
        raise Failure(attachment.DETACH_NOTE)
    return ending.code()


def _check_running(state: "Json") -> None:
    if not state["Running"]:
        raise Failure("You cannot attach to a stopped container, start it first")
    if state["Paused"]:
        raise Failure("You cannot attach to a paused container, unpause it first")
    if state["Restarting"]:
        raise Failure("You cannot attach to a restarting container, wait until it is running")


COMMAND = Command(
    "[OPTIONS] CONTAINER",
    "Attach this terminal to a running container",
    run,
    flags=(
        DETACH_KEYS,
        Flag("no-stdin", kinds.BOOL, "Do not attach STDIN"),
        Flag("sig-proxy", kinds.BOOL, "Hand signals on to the container", default=True),
    ),
    limits=(1, 1),
    aliases=("container attach", "attach"),
)
