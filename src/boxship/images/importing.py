"""`import`: a tar becomes an image of one layer, as Docker writes it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxship.images import changes
from boxship.images.compression import decompressed
from boxship.images.finished import Finished
from boxship.images.image import Image, encode, timestamp
from boxship.model.platform import Platform
from boxship.model.reference import Reference
from boxship.storage.tarstream import Readable

if TYPE_CHECKING:
    from boxship.images.images import Images


@dataclass(frozen=True, slots=True)
class Request:
    """What an import is asked for; `created_ns` fixes the time, and with it the id."""

    reference: str | None = None
    changes: Sequence[str] = ()
    message: str = "Imported from -"
    platform: str | None = None
    created_ns: int | None = None


def import_(images: "Images", stream: Readable, request: Request) -> Image:
    """Check what is asked first, then unpack, then enter the image."""
    platform = Platform.parse(request.platform) if request.platform else Platform.host()
    names = (Reference.parse(request.reference),) if request.reference else ()
    config = changes.apply_changes(changes.empty_config(), request.changes)
    with images.lease() as lease:
        layer = images.layers.apply(None, decompressed(stream), holder=lease)
        document = _document(request, platform, config, layer.diff_id)
        image, _ = images.commit(Finished(encode(document), names))
    return image


def _document(
    request: Request, platform: Platform, config: dict[str, Any], diff_id: str
) -> dict[str, Any]:
    now = time.time_ns() if request.created_ns is None else request.created_ns
    created = timestamp(now)
    document = {
        "architecture": platform.architecture,
        "comment": request.message,
        "config": config,
        "container_config": changes.empty_config(),
        "created": created,
        "history": [{"created": created, "comment": request.message}],
        "os": platform.os,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    if platform.variant:
        document["variant"] = platform.variant
    return document
