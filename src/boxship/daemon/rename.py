"""rename: another name for a container, whatever its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.daemon import names
from boxship.model.errors import Conflict, Invalid

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts


async def rename(parts: Parts, c: Container, name: str) -> None:
    """`docker rename`."""
    if not name:
        raise Invalid("Neither old nor new names may be empty")
    async with c.work:
        before = c.name
        if name.removeprefix("/") == before:
            raise Invalid("Renaming a container with the same name as its current name")
        try:
            wanted = names.checked(name)
            parts.containers.claim(wanted, c.id)
        except (Invalid, Conflict) as e:
            text = e.message.replace(f"({name})", f"(/{name.removeprefix('/')})")
            raise type(e)(f"Error when allocating new name: {text}", hint=e.hint) from e
        c.record.name = wanted
        parts.records.rename(c.record)
        await parts.networks.rename(c.id, wanted)
        parts.containers.release(before, c.id)
        parts.events.container(c, "rename", oldName=f"/{before}")
