"""`boxship logs`."""

import time

from boxship.api.docker.client import Request
from boxship.cli import kinds, text
from boxship.cli.command import Command, Flag
from boxship.cli.failure import Failure
from boxship.cli.streams import Frames, write_all
from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session


def moment(value: str, now: float) -> str | None:
    """A time of the command line as the API takes it: `10m` is ten minutes ago."""
    if not value:
        return None
    if value == "0":
        return value
    try:
        return f"{now - kinds.duration(value) / 1e9:.9f}"
    except ValueError:
        pass
    whole, _, fraction = value.partition(".")
    if whole.isdigit() and (not fraction or fraction.isdigit()):
        return value
    return _calendar(value)


def _calendar(value: str) -> str:
    """A date, perhaps with a time, perhaps with a zone; without one it is this host's."""
    date, _, clock = value.partition("T")
    if not clock:
        clock = "00:00:00"
    if len(clock) == 2:
        clock += ":00:00"
    elif len(clock) == 5:
        clock += ":00"
    if not clock.endswith("Z") and "+" not in clock and "-" not in clock:
        try:
            here = time.mktime(time.strptime(f"{date}T{clock[:8]}", "%Y-%m-%dT%H:%M:%S"))
        except ValueError:
            raise _no_time(value) from None
        return f"{here:.9f}"
    seconds = text.seconds_of(f"{date}T{clock}")
    if not seconds:
        raise _no_time(value)
    return f"{seconds:.9f}"


def _no_time(value: str) -> Failure:
    return Failure(f"failed to parse value as time or duration: {quote(value)}")


def _bound(name: str, flags: "Values", now: float) -> str | None:
    try:
        return moment(flags[name], now)
    except Failure as failure:
        raise Failure(f'invalid value for "{name}": {failure.message}') from None


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Print the log, and go on with --follow."""
    now = time.time()
    client = session.client
    request = Request(
        query={
            "stdout": True,
            "stderr": True,
            "follow": flags["follow"],
            "timestamps": flags["timestamps"],
            "details": flags["details"],
            "since": _bound("since", flags, now),
            "until": _bound("until", flags, now),
            "tail": flags["tail"],
        }
    )
    response = client.open("GET", f"/containers/{arguments[0]}/logs", request)
    framed = response.headers.get("content-type", "").endswith("multiplexed-stream")
    frames = Frames()
    for piece in response.pieces():
        if not framed:
            write_all(1, piece)
            continue
        for stream, payload in _joined(frames.feed(piece)):
            write_all(stream, payload)
    response.close()
    return 0


def _joined(parts: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Payloads of the same stream in a row become one, for one write."""
    out: list[tuple[int, list[bytes]]] = []
    for stream, payload in parts:
        if not out or out[-1][0] != stream:
            out.append((stream, []))
        out[-1][1].append(payload)
    return [(stream, b"".join(payloads)) for stream, payloads in out]


COMMAND = Command(
    "[OPTIONS] CONTAINER",
    "Fetch the logs of a container",
    run,
    flags=(
        Flag("details", kinds.BOOL, "Show what was asked of the log driver for each line"),
        Flag("follow", kinds.BOOL, "Go on as the log grows", "f"),
        Flag("since", kinds.STRING, "Only from a time on: a date and time, or an age as 42m"),
        Flag("tail", kinds.STRING, "Only so many lines of the end", "n", "all"),
        Flag("timestamps", kinds.BOOL, "Show the time of each line", "t"),
        Flag("until", kinds.STRING, "Only before a time: a date and time, or an age as 42m"),
    ),
    limits=(1, 1),
    aliases=("container logs", "logs"),
)
