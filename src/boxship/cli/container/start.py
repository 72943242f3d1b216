"""`boxship start`."""

from boxship.cli import kinds, terminal
from boxship.cli.command import DETACH_KEYS, MANY, Command, Flag
from boxship.cli.container import attachment
from boxship.cli.container.attachment import Attachment, Ending
from boxship.cli.each import each
from boxship.cli.failure import Failure
from boxship.model.errors import BoxshipError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Start containers; with -a or -i one, attached."""
    if flags["attach"] or flags["interactive"]:
        if len(arguments) > 1:
            raise Failure("you cannot start and attach multiple containers at once")
        return _attached(session, flags, arguments[0])
    keys = attachment.detach_keys(session, flags["detach-keys"]) or None
    query = {"checkpoint": flags["checkpoint"] or None}
    query["checkpoint-dir"] = flags["checkpoint-dir"] or None

    def start(name: str) -> str:
        session.client.post(f"/containers/{name}/start", detachKeys=keys, **query)
        return name

    failed = each(session, arguments, start)
    if failed:
        raise Failure(f"Error: failed to start containers: {', '.join(failed)}")
    return 0


def _attached(session: "Session", flags: "Values", name: str) -> int:
    container = session.client.get(f"/containers/{name}/json")
    config = container["Config"]
    stdin = flags["interactive"] and config["OpenStdin"]
    terminal.check_input(tty=config["Tty"], stdin=stdin)
    keys = attachment.detach_keys(session, flags["detach-keys"])
    path = f"/containers/{container['Id']}"
    how = Attachment(session, path, tty=config["Tty"], stdin=stdin, keys=keys)
    how.proxy = flags["sig-proxy"] and not config["Tty"]
    pipe = attachment.open_pipe(session.client, container["Id"], (stdin, True, True), keys)
    removed = container["HostConfig"]["AutoRemove"]
    ending = Ending(session, container["Id"], "removed" if removed else "next-exit")
    try:
        session.client.post(f"{path}/start")
    except BoxshipError:
        pipe.link.close()
        ending.give_up()
        raise
    if how.relay(pipe):
        ending.give_up()
        return 0
    return ending.code()


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Start one or more stopped containers",
    run,
    flags=(
        Flag("attach", kinds.BOOL, "Attach STDOUT and STDERR, and hand signals on", "a"),
        Flag("checkpoint", kinds.STRING, "Checkpoint to start from"),
        Flag("checkpoint-dir", kinds.STRING, "Folder of checkpoints"),
        DETACH_KEYS,
        Flag("interactive", kinds.BOOL, "Attach the container's STDIN", "i"),
        Flag("sig-proxy", kinds.BOOL, "", default=True),
    ),
    limits=(1, MANY),
    aliases=("container start", "start"),
)
