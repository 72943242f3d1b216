"""`boxship supervisor`: flags, one supervisor, until it is told to stop.

A first SIGTERM or SIGINT stops it in order; shims and containers go on in any case.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import uvloop

from boxship.model.errors import BoxshipError
from boxship.supervisor import limits, logs
from boxship.supervisor.build import build_supervisor
from boxship.supervisor.config import parse
from boxship.supervisor.lock import locked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxship.supervisor.config import Config

log = logging.getLogger(__name__)


def main(arguments: "Sequence[str]") -> int:
    """Run a supervisor; 0 after an orderly stop, 1 if it could not start."""
    config = parse(arguments)
    logs.set_up(config.log_level, config.log_format)
    os.umask(0o022)
    ready = os.environ.pop("BOXSHIP_READY_FD", "")
    limits.raise_files()
    try:
        with locked(config.root):
            uvloop.run(_run(config, ready))
    except (BoxshipError, OSError) as error:
        print(f"boxship supervisor: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _run(config: "Config", ready: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    supervisor = build_supervisor(config)
    try:
        await supervisor.start()
        gc.collect()
        gc.freeze()
        _say_ready(ready)
        log.info("serving on %s", config.address)
        await stop.wait()
        log.info("stopping; shims and their containers go on")
    finally:
        await supervisor.stop()


def _say_ready(number: str) -> None:
    """One line to whoever started us and asked for it, if they are still there."""
    if number.isdigit():
        with suppress(OSError), open(int(number), "w", encoding="ascii") as ready:
            ready.write("ready\n")
