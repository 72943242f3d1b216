"""`make bench`: the parts of a run with the budget of each, and the memory of the processes."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bench import engine, network, runtime, shim, snapshot

# Milliseconds; what docs/ARCHITECTURE.md says of each.
BUDGETS = {
    "snapshot create+mount+unmount+remove": 3,
    "network attach+detach, a port": 12,
    "runtime create+start+exit+delete": 8,
}


def main() -> int:
    """Measure everything; tell as it comes."""
    if os.geteuid():
        print("bench: needs root: it makes namespaces, mounts and links", file=sys.stderr)
        return 1
    print(f"load: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    for part in (snapshot, network, runtime, shim, engine):
        for name, figure in part.measure():
            print(_row(name, figure), flush=True)
    return 0


def _row(name: str, figure: float) -> str:
    if name.startswith("memory"):
        return f"{figure / 2**20:10.2f} MiB  {name}"
    budget = f"   (budget {BUDGETS[name]} ms)" if name in BUDGETS else ""
    return f"{figure * 1000:10.2f} ms   {name}{budget}"


if __name__ == "__main__":
    sys.exit(main())
