"""`boxship exec`."""

from boxship.api.docker.client import Request
from boxship.cli import kinds, terminal
from boxship.cli.command import DETACH_KEYS, MANY, Command, Flag
from boxship.cli.container import attachment, created
from boxship.cli.container.attachment import Attachment
from boxship.cli.container.files import environment
from boxship.cli.container.option_kinds import ENV
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Run a command in a running container."""
    keys = attachment.detach_keys(session, flags["detach-keys"])
    attached = not flags["detach"]
    config = {
        "User": flags["user"],
        "Privileged": flags["privileged"],
        "Tty": flags["tty"],
        "AttachStdin": attached and flags["interactive"],
        "AttachStdout": attached,
        "AttachStderr": attached,
        "DetachKeys": keys,
        "Env": environment(flags["env-file"], flags["env"]) or None,
        "WorkingDir": flags["workdir"],
        "Cmd": arguments[1:],
    }
    if flags["tty"]:
        config["ConsoleSize"] = created.console_size()
    client = session.client
    if attached:
        # A missing container is the better complaint, so the terminal is looked at second.
        if flags["tty"] and flags["interactive"] and not terminal.stdin_is_terminal():
            client.get(f"/containers/{arguments[0]}/json")
        terminal.check_input(tty=flags["tty"], stdin=flags["interactive"])
    identity = client.post(f"/containers/{arguments[0]}/exec", config)["Id"]
    if flags["detach"]:
        client.post(f"/exec/{identity}/start", {"Detach": True, "Tty": flags["tty"]})
        return 0
    return _attached(session, flags, identity, keys)


def _attached(session: "Session", flags: "Values", identity: str, keys: str) -> int:
    body: Json = {"Detach": False, "Tty": flags["tty"]}
    if flags["tty"]:
        body["ConsoleSize"] = created.console_size()
    pipe = session.client.hijack(f"/exec/{identity}/start", Request(body=body))
    how = Attachment(
        session, f"/exec/{identity}", tty=flags["tty"], stdin=flags["interactive"], keys=keys
    )
    if how.relay(pipe):
        raise Failure(attachment.DETACH_NOTE)
    return int(session.client.get(f"/exec/{identity}/json")["ExitCode"] or 0)


COMMAND = Command(
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    "Execute a command in a running container",
    run,
    flags=(
        Flag("detach", kinds.BOOL, "Run the command in the background", "d"),
        DETACH_KEYS,
        Flag("env", ENV, "Environment variable NAME=VALUE, or NAME as it is here", "e"),
        Flag("env-file", kinds.LIST, "File of environment variables"),
        Flag("interactive", kinds.BOOL, "Keep STDIN open", "i"),
        Flag("privileged", kinds.BOOL, "Give the command all rights"),
        Flag("tty", kinds.BOOL, "Give the command a terminal", "t"),
        Flag("user", kinds.STRING, "User and perhaps group, NAME|UID[:GROUP|GID]", "u"),
        Flag("workdir", kinds.STRING, "Working directory", "w"),
    ),
    limits=(2, MANY),
    aliases=("container exec", "exec"),
)
