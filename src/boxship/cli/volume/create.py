"""`boxship volume create`."""

from boxship.cli import kinds
from boxship.cli.command import Command, Flag
from boxship.cli.container.option_kinds import LABEL, pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Create a volume and print its name."""
    body = {
        "Driver": flags["driver"],
        "DriverOpts": pairs(flags["opt"]),
        "Labels": pairs(flags["label"]),
        "Name": arguments[0] if arguments else "",
    }
    session.out(f"{session.client.post('/volumes/create', body)['Name']}\n")
    return 0


COMMAND = Command(
    "[OPTIONS] [VOLUME]",
    "Create a volume",
    run,
    flags=(
        Flag("driver", kinds.STRING, "Driver of the volume", "d", "local"),
        Flag("label", LABEL, "Label NAME=VALUE"),
        Flag("opt", kinds.MAP, "Option of the driver, NAME=VALUE", "o"),
    ),
    limits=(0, 1),
)
