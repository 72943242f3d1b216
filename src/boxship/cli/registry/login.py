"""`boxship login`."""

import sys

from boxship.cli import credentials, kinds
from boxship.cli.command import Command, Flag
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Let the engine try the credentials, then keep them in config.json."""
    server = arguments[0] if arguments else credentials.HUB_KEY
    user, password = _asked(session, flags)
    body = {"username": user, "password": password, "serveraddress": server}
    answer = session.client.post("/auth", body) or {}
    path = credentials.store(session.config, server, user, password)
    session.err(
        f"\nWARNING! Your credentials are stored unencrypted in '{path}'.\n"
        "Keep the file to yourself, or log out when you are done.\n"
    )
    session.out(f"{answer.get('Status') or 'Login Succeeded'}\n")
    return 0


def _asked(session: "Session", flags: "Values") -> tuple[str, str]:
    user, password = flags["username"], flags["password"]
    if flags["password-stdin"]:
        if password:
            raise Failure("--password and --password-stdin are mutually exclusive")
        if not user:
            raise Failure("the --password-stdin option requires --username to be set")
        return user, sys.stdin.read().rstrip("\r\n")
    if password:
        session.err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    if not (user and password) and not sys.stdin.isatty():
        raise Failure("Error: Cannot perform an interactive login from a non TTY device")
    user, password = user or input("Username: "), password or _typed_password()
    if not user or not password:
        raise Failure("Error: Username and password are both required")
    return user, password


def _typed_password() -> str:
    from getpass import getpass

    return getpass("Password: ")


COMMAND = Command(
    "[OPTIONS] [SERVER]",
    "Keep the credentials of a registry",
    run,
    flags=(
        Flag("password", kinds.STRING, "Password or access token", "p"),
        Flag("password-stdin", kinds.BOOL, "Read the password from stdin"),
        Flag("username", kinds.STRING, "Name of the user", "u"),
    ),
    limits=(0, 1),
)
