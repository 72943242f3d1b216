"""How many files may be open: as many as the host lets us, but children get what we got.

A connection per shim passes the usual limit of 1024 soon; a container must not inherit ours.
"""

import resource
from contextlib import suppress

_GIVEN = resource.getrlimit(resource.RLIMIT_NOFILE)


def raise_files() -> None:
    """Raise this process' own limit to the highest allowed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_GIVEN[1], _GIVEN[1]))


def give_back(pid: int) -> None:
    """Set a child's limit to what this process was started with."""
    with suppress(OSError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, _GIVEN)
