"""`boxship import`."""

import sys

from boxship.api.docker.client import Request
from boxship.cli import kinds
from boxship.cli.command import Command, Flag
from boxship.cli.failure import Failure
from boxship.cli.progress import Display

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Send an archive to the engine; what comes back is the image's id."""
    source = arguments[0]
    is_url = source.startswith(("http://", "https://"))
    stream = None if is_url else _opened(source)
    request = Request(
        query={
            "fromSrc": source if is_url else "-",
            "repo": arguments[1] if len(arguments) > 1 else None,
            "message": flags["message"] or None,
            "changes": flags["change"],
            "platform": flags["platform"] or None,
        },
        stream=stream,
    )
    Display(1).show(session.client.messages("POST", "/images/create", request))
    return 0


def _opened(source: str) -> "BinaryIO":
    if source == "-":
        return sys.stdin.buffer
    try:
        return open(source, "rb")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(f"open {source}: {reason}") from None


COMMAND = Command(
    "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    "Make an image from a tar archive of a file system",
    run,
    flags=(
        Flag("change", kinds.LIST, "Dockerfile instruction for the image", "c"),
        Flag("message", kinds.STRING, "Message in the image's history", "m"),
        Flag("platform", kinds.STRING, "Platform of the image, for example linux/arm64"),
    ),
    limits=(1, 2),
    aliases=("image import", "import"),
)
