"""remove: a container that does not run, with everything that is its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from boxship.daemon import release
from boxship.daemon.exits import give_up_restart
from boxship.daemon.stop import kill
from boxship.model.errors import BoxshipError, Conflict, Invalid, System

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
    c.keep = True  # neither --rm nor a policy comes between
    try:
        if c.state.alive:
            await _end(parts, c)
        async with c.work:
            if parts.containers.find(c.id) is not c:
                return
            await give_up_restart(parts, c)
            if c.state.alive:
                _check(c)
            await remove_locked(parts, c, volumes=volumes)
    finally:
        c.keep = False


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
    try:
        await kill(parts, c, "SIGKILL")
    except Conflict:
        return  # it has ended by itself
    except TimeoutError as e:
        raise System(f'cannot remove container "{c.name}": could not kill container') from e


async def remove_locked(parts: Parts, c: Container, *, volumes: bool) -> None:
    """For whoever has the work; what is left by a failure is found dead, and can be tried again."""
    parts.move(c, "remove")
    try:
        await parts.in_thread(_discard, parts, c, volumes)
        await _release_network(parts, c)
    except (BoxshipError, OSError) as e:
        c.state.error = f'cannot remove container "{c.name}": {e}'
        c.state.move("fail")
        parts.records.save(c.id, c.state)
        raise System(c.state.error) from e
    parts.records.delete(c.id)
    parts.containers.remove(c)
    c.attaching.fail()
    parts.events.container(c, "destroy")
    c.waits.removed(c.state)


async def _release_network(parts: Parts, c: Container) -> None:
    if any(e.get("EndpointID") for e in (c.network_settings.get("Networks") or {}).values()):
        await release.network(parts, c)


def _discard(parts: Parts, c: Container, volumes: bool) -> None:
    parts.layers.remove(c.id)
    shutil.rmtree(parts.folder(c.id), ignore_errors=True)
    if volumes:
        parts.volumes.remove_anonymous(c.mounts)
