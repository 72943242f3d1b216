"""`pull`: from a reference to an image, in the order of Docker's messages.

    manifest     index -> manifest of the platform -> configuration     small, verified, in memory
    download     three layers at a time, into the spool, verified        an error keeps nothing
    unpack       in order, each as soon as it and those below are there
    commit       configuration, manifests and names in one transaction

Bytes are unpacked after their digest is verified, never before.  The compressed form is not kept:
where it can be had again is, for a push.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxship.api.registry.client import Manifest, Repository
from boxship.images import progress as messages
from boxship.images.download import Download, LayerDescriptor, descriptors
from boxship.images.extract import Extraction
from boxship.images.finished import Finished
from boxship.images.image import Image, diff_ids
from boxship.images.index import LayerSource
from boxship.images.progress import Progress
from boxship.model import oci
from boxship.model.digest import Digest, chain_ids
from boxship.model.errors import Invalid, NotFound, System, Unsupported
from boxship.model.platform import Platform
from boxship.model.reference import Reference

if TYPE_CHECKING:
    from boxship.images.images import Images

MAX_CONFIG = 8 << 20
CONCURRENT_DOWNLOADS = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for."""

    reference: Reference
    platform: str | None
    auth: Mapping[str, str] | None
    progress: Progress


@dataclass(slots=True)
class Found:
    """What the registry has: `documents` are the manifests on the way, as they were served."""

    manifest: Manifest
    top: Digest
    config: bytes = b""
    layers: list[LayerDescriptor] = field(default_factory=list)
    documents: list[tuple[bytes, str]] = field(default_factory=list)


async def pull(images: "Images", request: Request) -> Image:
    """Get the image; whatever fails, nothing of it is left."""
    reference = request.reference
    wanted = Platform.parse(request.platform) if request.platform else Platform.host()
    repository = await images.registry.repository(reference, request.auth)
    name = str(reference.digest or reference.tag)
    served = await repository.manifest(name)
    request.progress(messages.status(f"Pulling from {reference.path}", name))
    found = await _resolve(repository, served, wanted)
    with images.lease() as lease:
        await _get_layers(images, request, repository, found, lease)
        request.progress(messages.status(f"Digest: {found.top}"))
        return await _commit(images, request, found, wanted)


async def _resolve(repository: Repository, served: Manifest, wanted: Platform) -> Found:
    """From what was served to the manifest of one platform, its configuration and layers."""
    found = Found(served, served.digest, documents=[(served.data, served.media_type)])
    if served.media_type in oci.INDEXES:
        chosen = _choose(served.document, wanted)
        found.manifest = await repository.manifest(chosen)
        found.documents.append((found.manifest.data, found.manifest.media_type))
    manifest = found.manifest
    if manifest.media_type in oci.SCHEMA1:
        raise Unsupported(
            f"{manifest.media_type} is no longer supported",
            hint="push the image again with a recent client",
        )
    if manifest.media_type not in oci.MANIFESTS:
        raise Invalid(f"unsupported manifest media type {manifest.media_type}")
    config, found.layers = descriptors(manifest.document)
    if config.media_type not in oci.CONFIGS:
        raise Invalid(f"unsupported image configuration media type {config.media_type}")
    found.config = await repository.small_blob(config.digest, MAX_CONFIG)
    return found


def _choose(index: dict[str, Any], wanted: Platform) -> Digest:
    offered: list[Platform] = []
    digests: list[str] = []
    entries = index.get("manifests")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("digest"), str):
            raise Invalid("invalid image index: manifests")
        platform = entry.get("platform")
        marks = entry.get("annotations")
        if isinstance(marks, dict) and oci.REFERENCE_TYPE in marks:
            continue
        document = platform if isinstance(platform, dict) else {}
        offered.append(Platform.of({k: v for k, v in document.items() if isinstance(v, str)}))
        digests.append(entry["digest"])
    chosen = wanted.choose(offered)
    if chosen is None:
        raise NotFound(
            f"no matching manifest for {wanted} in the manifest list entries",
            hint=f"it is there for {', '.join(sorted({str(p) for p in offered})) or 'nothing'}",
        )
    return Digest.parse(digests[chosen])


async def _get_layers(
    images: "Images", request: Request, repository: Repository, found: Found, lease: str
) -> None:
    """Download and unpack what is not here; `lease` holds all layers from then on."""
    config = _parse_config(found.config)
    diffs = diff_ids(config)
    if len(diffs) != len(found.layers):
        raise Invalid("layers from manifest don't match image configuration")
    chain = chain_ids(diffs)
    have = 0
    while have < len(chain) and images.layers.retain(chain[have], lease):
        have += 1
    if have == len(chain) and images.blobs.has(Digest.of(found.config)):
        return  # as Docker: no word on the layers of an image that is here
    for index, layer in enumerate(found.layers):
        text = "Already exists" if index < have else "Pulling fs layer"
        request.progress(messages.of_layer(text, layer.digest.short))
    if have == len(chain):
        return
    folder = tempfile.mkdtemp(dir=images.spool, prefix="pull-")
    parent: str | None = chain[have - 1] if have else None
    try:
        extraction = Extraction(images.layers, lease, request.progress)
        with _Downloads(repository, folder, found.layers[have:], request.progress) as downloads:
            for layer, diff_id in zip(found.layers[have:], diffs[have:], strict=True):
                path = await downloads.finished(layer)
                parent = await extraction.extract(parent, path, layer, diff_id)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class _Downloads:
    """The downloads of one pull, begun together; the first failure ends all."""

    def __init__(
        self,
        repository: Repository,
        folder: str,
        layers: list[LayerDescriptor],
        progress: Progress,
    ) -> None:
        slots = asyncio.Semaphore(CONCURRENT_DOWNLOADS)
        self._tasks: dict[Digest, asyncio.Task[str]] = {}
        for layer in layers:
            if layer.digest not in self._tasks:
                path = os.path.join(folder, layer.digest.hex)
                download = Download(repository, layer, path, progress)
                self._tasks[layer.digest] = asyncio.create_task(download.run(slots))

    def __enter__(self) -> "_Downloads":
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
            task.add_done_callback(_seen)

    async def finished(self, layer: LayerDescriptor) -> str:
        """Wait for one, or for the first failure of any; its path."""
        task = self._tasks[layer.digest]
        waiting = {other for other in self._tasks.values() if not other.done()} | {task}
        while not task.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for other in done:
                other.result()
        return task.result()


def _seen(task: asyncio.Task[str]) -> None:
    """Take note of an error that another one overtook."""
    if not task.cancelled():
        task.exception()


async def _commit(images: "Images", request: Request, found: Found, wanted: Platform) -> Image:
    reference = request.reference
    by_digest = Reference(reference.domain, reference.path, None, found.top)
    names = (by_digest,) if reference.digest is not None else (reference, by_digest)
    config = _parse_config(found.config)
    sources = tuple(
        LayerSource(diff_id, layer.digest, layer.size, layer.media_type, reference.name)
        for layer, diff_id in zip(found.layers, diff_ids(config), strict=True)
    )
    finished = Finished(found.config, names, tuple(found.documents), sources)
    image, moved = await asyncio.to_thread(_committed, images, finished)
    what = "Downloaded newer image" if moved else "Image is up to date"
    request.progress(messages.status(f"Status: {what} for {reference.familiar()}"))
    has = Platform.of({k: v for k, v in config.items() if isinstance(v, str)})
    if request.platform and wanted.choose([has]) is None:
        request.progress(
            messages.status(
                f"WARNING: image with reference {reference.familiar()} was found but its platform "
                f"({has}) does not match the specified platform ({wanted})"
            )
        )
    return image


def _committed(images: "Images", finished: Finished) -> tuple[Image, bool]:
    try:
        return images.commit(finished)
    except OSError as error:
        raise System(
            f"failed to keep the image: {os.strerror(error.errno or 0).lower()}"
        ) from error


def _parse_config(data: bytes) -> dict[str, Any]:
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Invalid("invalid image configuration: not JSON") from error
    if not isinstance(config, dict):
        raise Invalid("invalid image configuration: not a document")
    system = config.get("os", "linux")
    if system not in {"linux", ""}:
        raise Unsupported(f'image operating system "{system}" cannot be used on this platform')
    return config
