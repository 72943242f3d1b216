"""One compressed layer on its way into the spool: bounded, hashed as it comes, verified."""

import asyncio
import errno
import hashlib
import os
from dataclasses import dataclass
from typing import Any, Protocol

from boxship.api.registry.client import Repository
from boxship.images import progress as messages
from boxship.images.image import MAX_LAYERS
from boxship.images.progress import Meter, Progress
from boxship.model.digest import Digest
from boxship.model.errors import Invalid, System
from boxship.storage.tarstream import write_all

_MAX_SIZE = 1 << 50


@dataclass(frozen=True, slots=True)
class LayerDescriptor:
    """What a manifest says of a blob (image-spec descriptor.md)."""

    digest: Digest
    size: int
    media_type: str


def descriptors(manifest: dict[str, Any]) -> tuple[LayerDescriptor, list[LayerDescriptor]]:
    """The configuration and the layers that a manifest names, the lowest first."""
    layers = manifest.get("layers")
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise Invalid("invalid image manifest: layers")
    return _descriptor(manifest.get("config")), [_descriptor(layer) for layer in layers]


def _descriptor(document: object) -> LayerDescriptor:
    if isinstance(document, dict):
        digest, size = document.get("digest"), document.get("size")
        kind = document.get("mediaType", "")
        if isinstance(digest, str) and isinstance(kind, str) and isinstance(size, int):
            return LayerDescriptor(Digest.parse(digest), _checked_size(size), kind)
    raise Invalid("invalid image manifest: descriptor")


def _checked_size(size: int) -> int:
    if not 0 <= size <= _MAX_SIZE:
        raise Invalid("invalid image manifest: descriptor")
    return size


class Download:
    """One layer, from one repository, to one file."""

    def __init__(
        self, repository: Repository, layer: LayerDescriptor, path: str, progress: Progress
    ) -> None:
        """Nothing happens yet."""
        self._repository = repository
        self._layer = layer
        self._path = path
        self._progress = progress

    async def run(self, slots: asyncio.Semaphore) -> str:
        """Download it when there is a slot; the path of the verified file."""
        about = self._layer.digest.short
        if slots.locked():
            self._progress(messages.of_layer("Waiting", about))
        async with slots:
            try:
                await self._fetch()
            except OSError as error:
                raise _unwritable(error) from error
        self._progress(messages.of_layer("Download complete", about))
        return self._path

    async def _fetch(self) -> None:
        layer = self._layer
        meter = Meter(self._progress, "Downloading", layer.digest.short, layer.size)
        hasher = hashlib.new(layer.digest.algorithm)
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            async for piece in self._repository.blob(layer.digest):
                if meter.current + len(piece) > layer.size:
                    raise _not_as_announced(layer, "more")
                await asyncio.to_thread(_keep, fd, hasher, piece)
                meter.add(len(piece))
        finally:
            os.close(fd)
        self._progress(messages.of_layer("Verifying Checksum", layer.digest.short))
        if hasher.hexdigest() != layer.digest.hex:
            raise System(f"filesystem layer verification failed for digest {layer.digest}")
        if meter.current != layer.size:
            raise _not_as_announced(layer, "less")


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _keep(fd: int, hasher: _Hasher, piece: bytes) -> None:
    hasher.update(piece)
    write_all(fd, piece)


def _not_as_announced(layer: LayerDescriptor, how: str) -> System:
    return System(
        f"filesystem layer verification failed for digest {layer.digest}: "
        f"{how} than the {layer.size} bytes that its manifest says"
    )


def _unwritable(error: OSError) -> System:
    why = os.strerror(error.errno).lower() if error.errno else str(error)
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    hint = "free some space below the data root" if full else ""
    return System(f"write to the spool: {why}", hint=hint)
