"""What a container that does not run gives back: its task, its network, its mount."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING

from boxship.daemon import attachments, prepare
from boxship.daemon.runtimes import io_of
from boxship.model.errors import BoxshipError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts

log = logging.getLogger(__name__)


async def everything(parts: Parts, c: Container) -> None:
    """All of it at once; what fails is logged and found again when the daemon starts."""
    await asyncio.gather(
        task(parts, c),
        _noted(c, "its network", network(parts, c)),
        _noted(c, "its root", root(parts, c)),
    )


async def for_good(parts: Parts, c: Container) -> None:
    """Before the container itself goes, and its root with it.

    Nobody can ask for the task any more, so nobody waits until its shim has ended.
    """
    parts.finish(task(parts, c), f"delete task {c.id[:12]}")
    await _noted(c, "its network", network(parts, c))


async def task(parts: Parts, c: Container) -> None:
    """Delete the task, and what connected its streams."""
    await _noted(c, "its task", parts.tasks.delete(c.id))
    await _noted(c, "its streams", _streams(parts, c))


async def _streams(parts: Parts, c: Container) -> None:
    io_of(parts, c).drop(c.id)


async def _noted(c: Container, what: str, job: Coroutine[None, None, None]) -> None:
    try:
        await job
    except (BoxshipError, OSError, sqlite3.Error) as e:
        log.warning("container %s did not give back %s: %s", c.id[:12], what, e)


async def network(parts: Parts, c: Container) -> None:
    """Detach from the network; idempotent."""
    if not c.host_config["NetworkMode"].startswith("container:"):
        await parts.networks.detach(c.id)
        if c.network_settings:
            publish(parts, c, "disconnect")
            c.network_settings = attachments.ended(c.network_settings)


async def root(parts: Parts, c: Container) -> None:
    """Unmount; idempotent."""
    await parts.in_thread(prepare.unmount, parts, c)


def publish(parts: Parts, c: Container, action: str) -> None:
    """Docker's network events: connect and disconnect."""
    for name, endpoint in (c.network_settings.get("Networks") or {}).items():
        if action == "disconnect" and not endpoint.get("EndpointID"):
            continue
        kind = {"host": "host", "none": "null"}.get(name, "bridge")
        about = {"container": c.id, "name": name, "type": kind}
        parts.events.publish("network", action, endpoint["NetworkID"], about)
