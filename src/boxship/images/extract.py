"""A verified layer from the spool onto the layers below it, in a thread, with progress."""

import asyncio
from contextlib import closing

from boxship.images import progress as messages
from boxship.images.compression import decompressed
from boxship.images.download import LayerDescriptor
from boxship.images.progress import Meter, Progress
from boxship.model.errors import Invalid
from boxship.storage.overlay2 import Overlay2


class _Abandoned(Exception):
    """Whoever wanted the layer is gone."""


class _Counted:
    """A file whose reading is counted, and can be ended from another thread."""

    def __init__(self, path: str, meter: Meter) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        self._meter = meter
        self.abandoned = False

    def read(self, size: int, /) -> bytes:
        """The next bytes of the compressed layer."""
        if self.abandoned:
            raise _Abandoned
        data = self._file.read(size)
        if data:
            self._meter.add(len(data))
        return data

    def close(self) -> None:
        self._file.close()


class Extraction:
    """Unpacks the layers of one pull, one after the other."""

    def __init__(self, layers: Overlay2, lease: str, progress: Progress) -> None:
        """`lease` holds what is unpacked."""
        self._layers = layers
        self._lease = lease
        self._progress = progress

    async def extract(
        self, parent: str | None, path: str, layer: LayerDescriptor, diff_id: str
    ) -> str:
        """Unpack `path` on top of `parent`; the chain id."""
        loop = asyncio.get_running_loop()
        about = layer.digest.short

        def report(message: dict[str, object]) -> None:
            loop.call_soon_threadsafe(self._progress, message)

        counted = _Counted(path, Meter(report, "Extracting", about, layer.size))
        work = loop.run_in_executor(None, self._apply, parent, counted, layer)
        try:
            chain_id, found = await asyncio.shield(work)
        except asyncio.CancelledError:
            counted.abandoned = True
            await asyncio.wait([work])
            work.exception()
            raise
        if found != diff_id:
            raise Invalid(
                "layers from manifest don't match image configuration: "
                f"layer {layer.digest} is {found}, not {diff_id}"
            )
        self._progress(messages.of_layer("Pull complete", about))
        return chain_id

    def _apply(
        self, parent: str | None, counted: _Counted, layer: LayerDescriptor
    ) -> tuple[str, str]:
        with closing(counted):
            unpacked = self._layers.apply(
                parent, decompressed(counted), holder=self._lease, label=str(layer.digest)
            )
        return unpacked.chain_id, unpacked.diff_id
