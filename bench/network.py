"""How long a container's network takes, up and down: the budget is 12 ms with a published port."""

import statistics
import tempfile
import time
from pathlib import Path

from boxship.network.core import Core
from boxship.network.values import AttachRequest, NetworkConfig, PortBinding

ROUNDS = 30
NAME = "boxship-bench"


def measure() -> list[tuple[str, float]]:
    """Medians in seconds; needs root."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        core = Core(root / "data", root / "exec", NetworkConfig(instance=NAME, bridge=NAME))
        core.start(())
        try:
            return [
                ("network attach+detach", _median(core, ())),
                ("network attach+detach, a port", _median(core, (PortBinding(80),))),
                ("network attach+detach, a port, beside 100 others", _crowded(core)),
            ]
        finally:
            core.stop(remove=True)


def _median(core: Core, ports: tuple[PortBinding, ...]) -> float:
    request = AttachRequest("b" * 64, "bench", ports=ports)
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        core.attach(request)
        core.detach(request.container_id)
        times.append(time.perf_counter() - begun)
        time.sleep(0.02)  # the kernel takes namespaces away in its own time
    return statistics.median(times)


def _crowded(core: Core) -> float:
    others = [f"{number:064d}" for number in range(100)]
    for other in others:
        core.attach(AttachRequest(other, f"other{other}", ports=(PortBinding(80),)))
    try:
        return _median(core, (PortBinding(80),))
    finally:
        for other in others:
            core.detach(other)


if __name__ == "__main__":
    for name, seconds in measure():
        print(f"{seconds * 1000:8.2f} ms  {name}")
