"""How long a root file system takes: prepare, mount, unmount, remove; the budget is 3 ms."""

import io
import statistics
import tarfile
import tempfile
import time

from boxship.storage.overlay2 import Overlay2

ROUNDS = 50


def measure() -> list[tuple[str, float]]:
    """Medians in seconds; needs root."""
    with tempfile.TemporaryDirectory() as root:
        layers = Overlay2(root)
        base = layers.apply(None, _small_layer(), holder="bench")
        times = []
        for number in range(ROUNDS):
            name = f"{number:064x}"
            begun = time.perf_counter()
            layers.create(name, base.chain_id)
            layers.mount(name, throwaway=True)
            layers.unmount(name)
            layers.remove(name)
            times.append(time.perf_counter() - begun)
        layers.release("bench")
        layers.settle()
        layers.close()
    return [("snapshot create+mount+unmount+remove", statistics.median(times))]


def _small_layer() -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("hello")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    packed.seek(0)
    return packed


if __name__ == "__main__":
    for name, seconds in measure():
        print(f"{seconds * 1000:8.2f} ms  {name}")
