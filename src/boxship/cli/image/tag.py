"""`boxship tag`."""

from boxship.cli.command import Command
from boxship.model.reference import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """Give an image another name."""
    source, target = arguments
    reference = Reference.parse(target)
    session.client.post(f"/images/{source}/tag", repo=reference.name, tag=reference.tag)
    return 0


COMMAND = Command(
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Give an image another name",
    run,
    limits=(2, 2),
    aliases=("image tag", "tag"),
)
