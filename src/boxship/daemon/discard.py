"""The end of a container: whatever is its own is taken from the disk, then it is forgotten."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from boxship.daemon import prepare, release
from boxship.model.errors import BoxshipError, System

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from boxship.daemon.container import Container, Record
    from boxship.daemon.parts import Parts


async def remove_locked(
    parts: Parts, c: Container, *, volumes: bool, discarding: Awaitable[None] | None = None
) -> None:
    """For whoever has the work; what is left by a failure is found dead, and can be tried again.

    With `discarding`, the disk's part is under way already.
    """
    c.state.move("remove")
    if not c.auto_remove:  # recovery removes an ended --rm container anyway: one write less
        parts.records.save(c.id, c.state)
    try:
        await (discarding or parts.in_thread(from_disk, parts, c, volumes))
        if any(e.get("EndpointID") for e in (c.network_settings.get("Networks") or {}).values()):
            await release.network(parts, c)
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


def from_disk(parts: Parts, c: Container, volumes: bool) -> None:
    """Root, log, files, and with `volumes` the volumes that have no name. Blocks."""
    prepare.unmount(parts, c)
    parts.layers.remove(c.id)
    shutil.rmtree(parts.folder(c.id), ignore_errors=True)
    if volumes:
        remove_volumes(parts, c.record)


def remove_volumes(parts: Parts, record: Record) -> None:
    """A container's volumes without a name; not those that --volumes-from shares with another."""
    if record.mounts:
        others = (c for c in parts.containers if c.id != record.id)
        in_use = {str(mount.get("Name")) for c in others for mount in c.mounts}
        parts.volumes.remove_anonymous(record.mounts, in_use)
