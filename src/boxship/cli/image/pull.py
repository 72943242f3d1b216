"""`boxship pull`."""

import os

from boxship.cli import kinds
from boxship.cli.command import TRUST, Command, Flag
from boxship.cli.failure import Failure
from boxship.cli.image.pulling import pull_reference
from boxship.cli.progress import Display
from boxship.model.reference import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Pull an image, and print its whole name."""
    reference = Reference.parse_bare(arguments[0])
    if flags["all-tags"] and not reference.is_bare:
        raise Failure("tag can't be used with --all-tags/-a")
    if not flags["all-tags"] and reference.is_bare:
        reference = Reference.parse(arguments[0])
        if not flags["quiet"]:
            session.out(f"Using default tag: {reference.tag}\n")
    platform = flags["platform"] or os.environ.get("DOCKER_DEFAULT_PLATFORM")
    pull_reference(session, reference, platform, Display(1, quiet=flags["quiet"]))
    session.out(f"{reference}\n")
    return 0


COMMAND = Command(
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    "Download an image from a registry",
    run,
    flags=(
        Flag("all-tags", kinds.BOOL, "Download every tag of the repository", "a"),
        TRUST,
        Flag("platform", kinds.STRING, "Platform of the image, for example linux/arm64"),
        Flag("quiet", kinds.BOOL, "Do not show the progress", "q"),
    ),
    limits=(1, 1),
    aliases=("image pull", "pull"),
)
