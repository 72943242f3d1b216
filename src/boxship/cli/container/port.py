"""`boxship port`."""

from boxship.cli.command import Command
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session

# Where numbers stand among characters.
DIGIT = ord("0")


def run(session: "Session", _flags: "Values", arguments: list[str]) -> int:
    """PORT/PROTOCOL -> IP:PORT, or the places of one port."""
    container = session.client.get(f"/containers/{arguments[0]}/json")
    ports = container["NetworkSettings"]["Ports"] or {}
    if len(arguments) == 1:
        lines = [f"{port} -> {_place(binding)}" for port in ports for binding in ports[port] or ()]
        for line in sorted(lines, key=_natural):
            session.out(f"{line}\n")
        return 0
    number, _, protocol = arguments[1].partition("/")
    wanted = f"{number}/{protocol or 'tcp'}"
    if not ports.get(wanted):
        raise Failure(f"Error: No public port '{arguments[1]}' published for {arguments[0]}")
    for binding in ports[wanted]:
        session.out(f"{_place(binding)}\n")
    return 0


def _place(binding: dict[str, str]) -> str:
    address = binding["HostIp"]
    return (
        f"[{address}]:{binding['HostPort']}"
        if ":" in address
        else f"{address}:{binding['HostPort']}"
    )


def _natural(line: str) -> list[tuple[int, int]]:
    """Numbers within the text count as numbers."""
    parts: list[tuple[int, int]] = []
    in_number = False
    for char in line:
        if char.isdigit() and in_number:
            parts[-1] = (DIGIT, parts[-1][1] * 10 + int(char))
        else:
            parts.append((DIGIT, int(char)) if char.isdigit() else (ord(char), 0))
        in_number = char.isdigit()
    return parts


COMMAND = Command(
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    "List the published ports of a container",
    run,
    limits=(1, 2),
    aliases=(
        "container port",
        "port",
    ),
)
