"""`boxship tag`."""

from boxship.cli.command import Command
from boxship.cli.failure import Failure
from boxship.model.errors import Invalid
from boxship.model.reference import Reference
from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """Give an image another name."""
    source, target = arguments
    try:
        reference = Reference.parse(target)
    except Invalid as error:
        text = f"Error parsing reference: {quote(target)} is not a valid repository/tag"
        raise Failure(f"{text}: {error.message}") from None
    session.client.post(f"/images/{source}/tag", repo=reference.name, tag=reference.tag)
    return 0


COMMAND = Command(
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Give an image another name",
    run,
    limits=(2, 2),
    aliases=("image tag", "tag"),
)
