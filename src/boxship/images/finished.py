"""An image whose parts are all here, on its way into the index."""

from dataclasses import dataclass

from boxship.images.index import LayerSource
from boxship.model.reference import Reference


@dataclass(frozen=True, slots=True)
class Finished:
    """All parts of an image that is about to be: `manifests` are documents as they were served."""

    config: bytes
    names: tuple[Reference, ...] = ()
    manifests: tuple[tuple[bytes, str], ...] = ()
    sources: tuple[LayerSource, ...] = ()
    parent: str = ""
