"""remove: a container that does not run, with everything that is its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.daemon.discard import remove_locked
from boxship.daemon.exits import give_up_restart
from boxship.daemon.stop import kill
from boxship.model.errors import Conflict, Invalid

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts


async def remove(parts: Parts, c: Container, *, force: bool, volumes: bool, link: bool) -> None:
    """`docker rm`; with `force`, whatever it does."""
    if link:
        raise Invalid("links between containers are not supported", hint="use a network")
    if c.state.removing:
        raise Conflict(f"removal of container {c.id} is already in progress")
    if not force:
        _check(c)
    with c.kept():  # neither --rm nor a policy comes between
        if c.state.alive:
            await _end(parts, c)
        async with c.work:
            if parts.containers.find(c.id) is not c:
                return
            await give_up_restart(parts, c)
            if c.state.alive:
                _check(c)
            await remove_locked(parts, c, volumes=volumes)


def _check(c: Container) -> None:
    where = f'cannot remove container "{c.name}": '
    if c.state.paused:
        raise Conflict(f"{where}container is paused and must be unpaused first")
    if c.state.restarting:
        raise Conflict(
            f"{where}container is restarting: stop the container before removing or force remove"
        )
    if c.state.running:
        raise Conflict(
            f"{where}container is running: stop the container before removing or force remove"
        )


async def _end(parts: Parts, c: Container) -> None:
    with suppress(Conflict):  # it has ended by itself
        await kill(parts, c, "SIGKILL")
