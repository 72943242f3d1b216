"""`boxship image inspect`."""

from boxship.cli import kinds, lists
from boxship.cli.command import FORMAT_ONE, MANY, Command, Flag
from boxship.cli.inspection import fetch, inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Print images."""
    client, platform = session.client, lists.platform(flags["platform"])
    return inspect(
        session,
        arguments,
        flags["format"],
        lambda name: fetch(client, "Image", f"/images/{name}/json", platform=platform),
    )


COMMAND = Command(
    "[OPTIONS] IMAGE [IMAGE...]",
    "Show all that is known of images",
    run,
    flags=(
        FORMAT_ONE,
        Flag("platform", kinds.STRING, "Platform of the image, os[/arch[/variant]]"),
    ),
    limits=(1, MANY),
)
