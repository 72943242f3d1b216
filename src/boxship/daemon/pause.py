"""pause and unpause: all processes of a container frozen, and thawed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.model.errors import Conflict, System

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts


async def pause(parts: Parts, c: Container) -> None:
    """`docker pause`."""
    async with c.work:
        if c.state.paused:
            raise Conflict(f"Container {c.id} is already paused")
        if not c.state.running:
            raise Conflict(f"container {c.id} is not running")
        if c.state.restarting:
            raise Conflict(f"Container {c.id} is restarting, wait until the container is running")
        await parts.tasks.pause(c.id)
        parts.move(c, "pause")
        parts.events.container(c, "pause")


async def unpause(parts: Parts, c: Container) -> None:
    """`docker unpause`."""
    async with c.work:
        if not c.state.paused:
            raise System(f"Container {c.id} is not paused")
        await parts.tasks.resume(c.id)
        parts.move(c, "unpause")
        parts.events.container(c, "unpause")
