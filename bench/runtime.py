"""How long the runtime takes, from namespaces to exec, from exit to reaped; the budget is 8 ms."""

import statistics
import tempfile
import time
from typing import Any

from system.runtime_bundle import Box, spec

ROUNDS = 30


def measure() -> list[tuple[str, float]]:
    """Medians in seconds; needs root."""
    with tempfile.TemporaryDirectory() as root:
        box = Box(root)
        document = spec("/bin/true")
        try:
            times = [_once(box, document) for _ in range(ROUNDS)]
        finally:
            box.remove()
    return [("runtime create+start+exit+delete", statistics.median(times))]


def _once(box: Box, document: dict[str, Any]) -> float:
    begun = time.perf_counter()
    box.run(document)
    return time.perf_counter() - begun


if __name__ == "__main__":
    for name, seconds in measure():
        print(f"{seconds * 1000:8.2f} ms  {name}")
