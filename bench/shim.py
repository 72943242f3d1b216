"""How long zygote and shim take: the fork of a shim, Create, Start, Delete."""

import statistics
import time
from typing import Any

from suites import shim_harness as harness

ROUNDS = 30


class TimedZygote(harness.Zygote):
    """A zygote that knows how long its last answer took."""

    took_s = 0.0

    def ask(self, request: dict[str, Any], *fds: int) -> dict[str, Any]:
        """Ask, and keep the time."""
        begun = time.perf_counter()
        answer = super().ask(request, *fds)
        self.took_s = time.perf_counter() - begun
        return answer


def measure() -> list[tuple[str, float]]:
    """Medians in seconds; needs root."""
    zygote = TimedZygote()
    try:
        rounds = [_once(zygote) for _ in range(ROUNDS)]
    finally:
        zygote.close()
    names = ("zygote fork of a shim", "shim Create", "shim Start", "shim Delete")
    columns = zip(*rounds, strict=True)
    return [(name, statistics.median(times)) for name, times in zip(names, columns, strict=True)]


def _once(zygote: TimedZygote) -> tuple[float, float, float, float]:
    made = harness.Container(zygote, "boxship", ["/bin/true"])
    fork = zygote.took_s
    marks = [time.perf_counter()]
    made.create()
    marks.append(time.perf_counter())
    made.start()
    marks.append(time.perf_counter())
    made.wait()
    waited = time.perf_counter()
    made.client.call("Delete", id=made.id)
    deleted = time.perf_counter() - waited
    made.remove()
    return fork, marks[1] - marks[0], marks[2] - marks[1], deleted


if __name__ == "__main__":
    for name, seconds in measure():
        print(f"{seconds * 1000:8.2f} ms  {name}")
