"""The control groups above those of a test's containers: gone when nobody else uses them."""

import contextlib
import glob
import os


def forget(parent: str) -> None:
    """Remove `parent` (`/name`) in every hierarchy; another run may have containers in it."""
    # Other runtimes join hierarchies that ours leaves alone, so look in all of them.
    for path in [*glob.glob(f"/sys/fs/cgroup/*{parent}"), f"/sys/fs/cgroup{parent}"]:
        with contextlib.suppress(OSError):
            os.rmdir(path)
