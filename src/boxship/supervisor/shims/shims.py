"""Every kind of shim behind one door: which one a runtime's name means, and how it is reached."""

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.model.errors import BoxshipError, NotFound
from boxship.supervisor.shims.foreign import ForeignShims, program_name, program_of
from boxship.supervisor.shims.own import OwnShims

if TYPE_CHECKING:
    from boxship.supervisor.bundle import Bundle
    from boxship.supervisor.config import Config
    from boxship.supervisor.shims.shim import Shim
    from boxship.supervisor.shims.zygote import Zygote

log = logging.getLogger(__name__)

OWN = "io.boxship.v1"
RUNC = "io.containerd.runc.v2"  # what ctr asks for; ours stands in where that is not installed
EVICT_S = 5.0


class Shims:
    """Launches, reaches and cleans up after shims."""

    def __init__(self, config: "Config", zygote: "Zygote") -> None:
        """Ours come from `zygote`."""
        debug = config.log_level in ("debug", "trace")
        self._own = OwnShims(zygote, config.events_address, debug=debug)
        self._foreign = ForeignShims(config.address, config.events_address, debug=debug)

    async def launch(self, bundle: "Bundle", runtime: str, options: bytes) -> "Shim":
        """A new shim for a bundle that has none; `options` are the runtime's, as an Any."""
        program = _program(runtime)
        if program is None:
            return await self._own.launch(bundle)
        return await self._foreign.launch(bundle, program, options)

    async def reach(self, bundle: "Bundle") -> "Shim":
        """The shim that serves a bundle; OSError when it is dead."""
        if bundle.bootstrap() is not None:
            return await self._foreign.reach(bundle)
        return await self._own.reach(bundle)

    async def clean_up(self, bundle: "Bundle") -> None:
        """Remove what a dead shim left of its container; a failure is told in the log."""
        bootstrap = bundle.bootstrap()
        try:
            await asyncio.to_thread(evict, bundle.path)
            if bootstrap is not None:
                await self._foreign.clean_up(bundle, str(bootstrap["binary"]))
            elif bundle.has_socket:
                await self._own.clean_up(bundle)
        except (BoxshipError, TimeoutError, OSError) as error:
            log.warning("cleaning up after the shim of %s: %s", bundle.id, error)


def evict(directory: str) -> None:
    """Kill whoever works in a bundle: a shim that nobody can reach, or the program that starts one.

    A supervisor that dies while that program runs never hears what it started.
    """
    deadline = time.monotonic() + EVICT_S
    while (found := _standing_in(directory)) and time.monotonic() < deadline:
        for pid in found:
            log.warning("process %d in %s serves nobody: killed", pid, directory)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _standing_in(directory: str) -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if os.readlink(f"/proc/{entry.name}/cwd") == directory:
                    found.append(int(entry.name))
    return found


def _program(runtime: str) -> str | None:
    """The program of a foreign shim; None for ours."""
    if runtime == OWN:
        return None
    program = program_of(runtime)
    if program is None and runtime != RUNC:
        name = runtime if runtime.startswith("/") else program_name(runtime)
        raise NotFound(f'runtime "{runtime}" binary not installed "{name}": file does not exist')
    return program
