"""What the rest of the supervisor asks of a shim, whoever made it."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from boxship.api.shim.client import TaskClient


class Shim(Protocol):
    """A shim that serves one task."""

    client: "TaskClient"
    pid: int  # of the shim itself; 0 while it is not known

    async def born(self) -> None:
        """Return once it lives; raise what stood in the way."""

    async def dismiss(self) -> None:
        """End it after its task was deleted: returns when a new shim may take the name."""
