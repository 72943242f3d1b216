"""`boxship run`: create, attach, wait, start, and the exit code of what ran."""

from boxship.cli import terminal
from boxship.cli.command import MANY, Command
from boxship.cli.container import attachment, created
from boxship.cli.container.attachment import Attachment, Ending
from boxship.cli.container.options import RUN
from boxship.cli.container.payload import attached
from boxship.cli.failure import Failure
from boxship.model.errors import BoxshipError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session

REFUSED = 125


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Run a container."""
    created.check_system(flags)
    _check_detached(flags)
    body = _body(session, flags, arguments)
    if not flags["detach"]:
        terminal.check_input(tty=flags["tty"], stdin=body["AttachStdin"])
    keys = attachment.detach_keys(session, flags["detach-keys"])
    try:
        container = created.create(session, flags, body)
        if flags["detach"]:
            return _in_background(session, container)
    except BoxshipError as error:
        raise _failure(session, error) from None
    return _in_foreground(session, flags, container, keys)


def _body(session: "Session", flags: "Values", arguments: list[str]) -> "Json":
    try:
        created.check_pull(flags)
        body = created.body_of(session, flags, arguments)
        if flags["detach"]:
            body.update(AttachStdin=False, AttachStdout=False, AttachStderr=False, StdinOnce=False)
    except Failure as failure:
        raise explained(session, failure.message) from None
    return body


def _check_detached(flags: "Values") -> None:
    if flags["detach"] and flags["attach"]:
        raise Failure("conflicting options: cannot specify both --attach and --detach")


def explained(session: "Session", message: str, code: int = REFUSED) -> Failure:
    """A failure of `run`, in its form."""
    return Failure(
        f"{session.program}: {message}\n\nRun '{session.path} --help' for more information", code
    )


def _failure(session: "Session", error: BoxshipError) -> Failure:
    if not attachment.refused(error):
        tail = f"\n{error.hint}" if error.hint else ""
        return explained(session, error.message + tail)
    code = attachment.start_exit_code(error.message)
    return explained(session, f"Error response from daemon: {error.message}", code)


def _in_background(session: "Session", container: str) -> int:
    try:
        session.client.post(f"/containers/{container}/start")
    finally:
        session.out(f"{container}\n")  # it is there, also when it does not start
    return 0


def _in_foreground(session: "Session", flags: "Values", container: str, keys: str) -> int:
    streams = attached(flags)
    how = Attachment(
        session, f"/containers/{container}", tty=flags["tty"], stdin=streams[0], keys=keys
    )
    how.proxy = flags["sig-proxy"] and not flags["tty"]
    pipe = attachment.open_pipe(session.client, container, streams, keys)
    ending = Ending(session, container, "removed" if flags["rm"] else "next-exit")
    try:
        session.client.post(f"/containers/{container}/start")
    except BoxshipError as error:
        pipe.link.close()
        if flags["rm"]:
            ending.code()
        else:
            ending.give_up()
        raise _failure(session, error) from None
    if how.relay(pipe):
        ending.give_up()
        return 0
    return ending.code()


COMMAND = Command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create and run a new container from an image",
    run,
    flags=RUN,
    limits=(1, MANY),
    aliases=("container run", "run"),
)
