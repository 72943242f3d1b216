"""`boxship image bootstrap`: a base image out of the host's own packages, without a registry."""

from boxship.api.docker.client import Request
from boxship.cli import kinds
from boxship.cli.command import Command, Flag
from boxship.cli.failure import Failure
from boxship.cli.progress import Display

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session

KINDS = ("busybox", "debian")


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Ask the engine to make one."""
    kind = arguments[0]
    if kind not in KINDS:
        raise Failure(f"unknown base image '{kind}': must be one of {', '.join(KINDS)}")
    request = Request(query={"kind": kind, "t": flags["tag"] or None})
    Display(1).show(session.client.messages("POST", "/images/bootstrap", request))
    return 0


COMMAND = Command(
    "[OPTIONS] busybox|debian",
    "Make a base image out of this host's own packages",
    run,
    flags=(Flag("tag", kinds.STRING, "Name of the image, else busybox or debian", "t"),),
    limits=(1, 1),
    aliases=("image bootstrap",),
)
