"""Images of one engine: found by name or id, named, made, removed.  `pull` is in pull.py.

An image holds its top layer as `image:<id>`; the layers below live through it.  The index is the
truth: an image is entered when all that it consists of is kept, in one transaction.
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from boxship.api.registry.client import RegistryClient
from boxship.images import bootstrap, importing, pull, remove
from boxship.images.finished import Finished
from boxship.images.image import Image, timestamp
from boxship.images.index import ImageIndex, LayerSource, NewImage, Row
from boxship.images.progress import Progress, ignore
from boxship.model.digest import Digest, is_hex
from boxship.model.errors import BoxshipError, Invalid, NotFound
from boxship.model.reference import Reference
from boxship.storage import trees
from boxship.storage.blobs import BlobStore
from boxship.storage.layers import LEASE
from boxship.storage.overlay2 import Overlay2
from boxship.storage.tarstream import Readable

__all__ = ["Image", "Images"]

HOLDER = "image:"


Records = list[dict[str, str]]


class Images:
    """All images.  Calls block, but for `pull`; they may come from several threads."""

    def __init__(
        self, data_root: str, blobs: BlobStore, layers: Overlay2, registry: RegistryClient
    ) -> None:
        """Keep the index in `images.db` below the data root."""
        self.blobs = blobs
        self.layers = layers
        self.registry = registry
        self.spool = os.path.join(str(data_root), "spool")
        self._index = ImageIndex(os.path.join(str(data_root), "images.db"))
        self._configs: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        os.makedirs(self.spool, mode=0o700, exist_ok=True)

    # -- finding ---------------------------------------------------------------------------------

    def get(self, name: str) -> Image:
        """The image of a name, an id or the beginning of one; else `NotFound`."""
        image_id, hint = self._find(name)
        row = self._index.find(image_id) if image_id else None
        if row is None:
            raise NotFound(f"No such image: {_as_asked(name)}", hint=hint)
        return self._image(row, self._index.names_of(row.id))

    def _find(self, name: str) -> tuple[str | None, str]:
        if len(name) == 64 and is_hex(name):
            return f"sha256:{name}", ""
        if name.startswith("sha256:") and len(name) == 71:
            return name, ""
        reference = Reference.parse(name)
        named = self._index.named(reference)
        if named is not None:
            return named, ""
        prefix = name.removeprefix("sha256:")
        if not prefix or not is_hex(prefix):
            return None, ""
        found = self._index.ids_with_prefix(f"sha256:{prefix}")
        if len(found) > 1:
            return None, f"several ids begin with {prefix}; give more digits"
        return (found[0] if found else None), ""

    def list(self) -> list[Image]:
        """All images, in no order."""
        names = self._index.all_names()
        return [self._image(row, tuple(names.get(row.id, ()))) for row in self._index.rows()]

    def children(self, image_id: str) -> Iterable[str]:
        """The ids of images that were made from this one."""
        return self._index.children(image_id)

    def _image(self, row: Row, names: tuple[Reference, ...]) -> Image:
        config = self._configs.get(row.id)
        if config is None:
            config = json.loads(self.blobs.read(row.id))
            self._configs[row.id] = config
        return Image(row.id, config, row.size, row.parent, row.tagged_at, names)

    # -- changing --------------------------------------------------------------------------------

    def tag(self, source: str, target: str) -> Image:
        """Let `target` mean the image `source` too."""
        image = self.get(source)
        reference = Reference.parse(target)
        if reference.digest is not None:
            raise Invalid("refusing to create a tag with a digest reference")
        with self._lock:
            if self._index.find(image.id) is None:
                raise NotFound(f"No such image: {_as_asked(source)}")
            self._index.name(reference, image.id, timestamp(time.time_ns()))
        return self.get(image.id)

    def remove(
        self,
        name: str,
        *,
        force: bool = False,
        in_use: remove.Uses | Mapping[str, Any] | None = None,
    ) -> Records:
        """Take the name away, and the image with its last name; what went, as Docker lists it.

        `in_use` tells the containers that were made from an image: `remove.Use` values.
        """
        uses: Callable[[str], Any] = in_use if callable(in_use) else _lookup(in_use or {})
        with self._lock:
            image = self.get(name)
            children = bool(self._index.children(image.id))
            planned = remove.plan(
                remove.Situation(image, name, list(uses(image.id)), children, force)
            )
            records: Records = [{"Untagged": each.familiar()} for each in planned.untag]
            if planned.delete:  # the names go with the image, in one transaction
                return records + self._delete(image)
            for reference in planned.untag:
                self._index.unname(reference)
            return records

    def _delete(self, image: Image) -> Records:
        diff_of = {}
        if image.top_layer is not None:
            diff_of = {c: self.layers.get(c).diff_id for c in self._chain(image.top_layer)}
        unneeded = self._index.remove(image.id)
        gone = self.layers.release(HOLDER + image.id)
        self._index.forget_sources([diff_of[chain] for chain in gone if chain in diff_of])
        for digest in (*unneeded, image.id):
            self.blobs.delete(digest)
        self._configs.pop(image.id, None)
        return [{"Deleted": image.id}, *({"Deleted": chain} for chain in gone)]

    def _chain(self, chain: str | None) -> Iterator[str]:
        while chain is not None:
            yield chain
            chain = self.layers.get(chain).parent

    def commit(self, finished: Finished) -> tuple[Image, bool]:
        """Enter an image whose layers are all here; whether a name was new or moved to it."""
        image_id = str(Digest.of(finished.config))
        config = json.loads(finished.config)
        tagged_at = timestamp(time.time_ns()) if finished.names else ""
        image = Image(image_id, config, 0, finished.parent, tagged_at)
        with self._lock:
            top = image.top_layer
            if top is not None and not self.layers.retain(top, HOLDER + image_id):
                raise NotFound(f"layer {top} does not exist")
            self.blobs.put(finished.config)
            manifests = tuple((self.blobs.put(data), kind) for data, kind in finished.manifests)
            image = replace(image, size=self.layers.layer_size(top))
            row = Row(image.id, image.parent, image.size, image.tagged_at)
            new = NewImage(row, finished.names, manifests, finished.sources)
            moved = self._index.add(new)
        return self.get(image_id), moved

    @contextmanager
    def lease(self) -> Iterator[str]:
        """A holder for layers of an image in the making; they go at the end unless it is made."""
        holder = LEASE + uuid.uuid4().hex
        try:
            yield holder
        finally:
            self.layers.release(holder)

    def known_sources(self, diff_id: str) -> Iterable[LayerSource]:
        """Where a layer can be had in compressed form."""
        return self._index.sources(diff_id)

    # -- making ----------------------------------------------------------------------------------

    async def pull(
        self,
        reference: Reference | str,
        *,
        platform: str | None = None,
        auth: Mapping[str, str] | None = None,
        progress: Progress = ignore,
    ) -> Image:
        """Get an image from its registry; `progress` hears Docker's messages, on the loop."""
        if isinstance(reference, str):
            reference = Reference.parse(reference)
        return await pull.pull(self, pull.Request(reference, platform, auth, progress))

    def import_(
        self,
        stream: Readable,
        *,
        reference: str | None = None,
        changes: Sequence[str] = (),
        message: str = "",
        platform: str | None = None,
    ) -> Image:
        """Make an image of one layer from a tar, compressed or not."""
        said = message or "Imported from -"
        request = importing.Request(reference, tuple(changes), said, platform)
        return importing.import_(self, stream, request)

    def bootstrap(self, kind: str, reference: str, progress: Progress = ignore) -> Image:
        """Make a base image from what this host has: `busybox` or `debian`."""
        return bootstrap.bootstrap(self, kind, reference, progress)

    # -- starts and ends -------------------------------------------------------------------------

    def recover(self) -> None:
        """At the daemon's start, after that of the layers: no half images, no orphans."""
        for name in os.listdir(self.spool):
            trees.remove_tree(os.path.join(self.spool, name))
        self.blobs.recover()
        kept = set()
        for row in self._index.rows():
            if self._is_whole(row):
                kept.add(row.id)
            else:
                self._index.remove(row.id)
        for holder in self.layers.holders(HOLDER):
            if holder.removeprefix(HOLDER) not in kept:
                self.layers.release(holder)
        needed = kept | self._index.manifests()
        for digest in list(self.blobs):
            if digest not in needed:
                self.blobs.delete(digest)

    def _is_whole(self, row: Row) -> bool:
        try:
            top = self._image(row, ()).top_layer
        except (BoxshipError, ValueError):
            return False
        return top is None or self.layers.retain(top, HOLDER + row.id)

    def close(self) -> None:
        """Close the index."""
        self._index.close()


def _lookup(mapping: Mapping[str, Any]) -> Callable[[str], Any]:
    return lambda image_id: mapping.get(image_id, ())


def _as_asked(name: str) -> str:
    """A name as Docker repeats it in its errors."""
    if (len(name) == 64 and is_hex(name)) or (name.startswith("sha256:") and len(name) == 71):
        return name if name.startswith("sha256:") else f"sha256:{name}"
    return Reference.parse(name).familiar()
