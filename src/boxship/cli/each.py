"""Doing the same to many things: one failure does not stop the others."""

from boxship.cli.failure import Failure
from boxship.model.errors import BoxshipError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.cli.session import Session


def each(session: "Session", names: list[str], do: "Callable[[str], str | None]") -> list[str]:
    """`do` each and print what it returns; the names that failed, after saying why on stderr."""
    from boxship.cli.main import explained

    failed = []
    for name in names:
        try:
            line = do(name)
        except BoxshipError as error:
            if not hasattr(error, "status"):
                # No engine answers: the next name would not fare better.
                raise
            session.err(explained(error))
            failed.append(name)
            continue
        if line is not None:
            session.out(f"{line}\n")
    return failed


def each_or_fail(session: "Session", names: list[str], do: "Callable[[str], str | None]") -> int:
    """The same as the whole of a command: exit code 1 if one failed."""
    if each(session, names, do):
        raise Failure
    return 0
