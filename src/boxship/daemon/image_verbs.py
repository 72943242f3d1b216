"""pull, import, tag, remove, bootstrap: the verbs on images, with their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.images.remove import Use
from boxship.model.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from boxship.daemon.parts import Parts
    from boxship.images.image import Image

    Tell = Callable[[dict[str, Any]], None]


class ImageVerbs:
    """What changes the images of one engine."""

    def __init__(self, parts: Parts) -> None:
        """Over the parts of an engine."""
        self._parts = parts

    async def pull(
        self, reference: str, platform: str | None, auth: dict[str, Any] | None, tell: Tell
    ) -> Image:
        """Fetch an image from a registry."""
        image = await self._parts.images.pull(
            reference, platform=platform, auth=auth, progress=tell
        )
        self._publish("pull", Reference.parse(reference).familiar(), image)
        return image

    async def import_(
        self, stream: BinaryIO, reference: str | None, changes: list[str], about: tuple[str, str]
    ) -> Image:
        """An image out of a tree; `about`: a message and a platform, or ''."""
        message, platform = about

        def work() -> Image:
            return self._parts.images.import_(
                stream,
                reference=reference,
                changes=changes,
                message=message,
                platform=platform or None,
            )

        image = await self._parts.in_thread(work)
        if reference:
            self._publish("tag", Reference.parse(reference).familiar(), image)
        self._publish("import", image.id, image)
        return image

    async def bootstrap(self, kind: str, reference: str, tell: Tell) -> Image:
        """A base image out of the host's own packages."""
        image = await self._parts.in_thread(self._parts.images.bootstrap, kind, reference, tell)
        self._publish("tag", Reference.parse(reference).familiar(), image)
        self._publish("import", image.id, image)
        return image

    async def tag(self, source: str, target: str) -> None:
        """One more name."""
        image = self._parts.images.get(source)
        await self._parts.in_thread(self._parts.images.tag, image.id, target)
        self._publish("tag", Reference.parse(target).familiar(), image)

    async def remove(self, name: str, *, force: bool) -> list[dict[str, str]]:
        """A name less, and the image with its last one."""
        image = self._parts.images.get(name)

        def work() -> list[dict[str, str]]:
            return self._parts.images.remove(name, force=force, in_use=self._uses)

        steps = await self._parts.in_thread(work)
        for step in steps:
            for action, key in (("untag", "Untagged"), ("delete", "Deleted")):
                if key in step:
                    self._parts.events.publish("image", action, image.id, {"name": image.id})
        return steps

    def _uses(self, image_id: str) -> list[Use]:
        """The containers that were made from an image."""
        return [
            Use(container.id, container.state.running)
            for container in self._parts.containers
            if container.image_id == image_id
        ]

    def _publish(self, action: str, name: str, image: Image) -> None:
        labels = (image.config.get("config") or {}).get("Labels") or {}
        about = name if action == "pull" else image.id
        self._parts.events.publish("image", action, about, {**labels, "name": name})
