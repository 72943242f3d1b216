"""What follows when a container's program has ended.

task exit ─▶ stored ─▶ task, network, mount given back ─▶ die ─▶ who waits hears it
                                     then: start again (policy), or remove (--rm), or nothing
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.daemon import release, restarts
from boxship.daemon.discard import from_disk, remove_locked
from boxship.daemon.runtimes import io_of
from boxship.daemon.start import start_locked
from boxship.model import container as states
from boxship.model.errors import BoxshipError

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts

log = logging.getLogger(__name__)

KILLED = 128 + 9
SECOND_NS = 1_000_000_000


async def exited(
    parts: Parts, c: Container, code: int, at_ns: int, error: str = "", pid: int = 0
) -> None:
    """The program of `c` has ended; once for each end, in the order of its work.

    A word that comes late, of a `pid` before the one that runs now, is no news.
    """
    async with c.work:
        if c.state.alive and pid in (0, c.state.pid):
            await exited_locked(parts, c, code, at_ns, error)


async def exited_locked(parts: Parts, c: Container, code: int, at_ns: int, error: str = "") -> None:
    """The same for whoever has the container's work."""
    state = c.state
    state.pid = 0
    state.exit_code = code
    state.error = error or _lost(parts, c, code)
    state.finished_at_ns = at_ns or parts.clock()
    again = not c.keep and restarts.wanted_after_exit(restarts.policy(c.host_config), state)
    state.move("exit to restart" if again else "exit")
    _store(parts, c)
    ran_s = max(0, state.finished_at_ns - state.started_at_ns) // SECOND_NS
    for command in list(c.execs.values()):
        command.container_ended()
    last = not again and c.auto_remove and not c.keep
    discarding = None
    if last:  # beside the rest: `docker run --rm` waits for all of it
        discarding = asyncio.ensure_future(parts.in_thread(from_disk, parts, c, True))
        await release.for_good(parts, c)
    else:
        await release.everything(parts, c)
        _store(parts, c)
    parts.events.container(c, "die", exitCode=str(code), execDuration=str(ran_s))
    c.waits.exited(state)
    if again:
        c.backoff_s = restarts.next_delay(c.backoff_s, ran_s)
        c.restart = parts.spawn(_restart(parts, c, c.backoff_s), f"restart {c.id[:12]}")
    elif last:
        await remove_locked(parts, c, volumes=True, discarding=discarding)


def _store(parts: Parts, c: Container) -> None:
    """An end is a fact, also when it cannot be written down: whoever waits for it hears it."""
    try:
        parts.records.save_all(c.id, c.state, c.network_settings)
    except sqlite3.Error as e:
        log.warning("container %s: its end cannot be recorded: %s", c.id[:12], e)


def _lost(parts: Parts, c: Container, code: int) -> str:
    """Why it ended, if its shim was killed under it."""
    if code != KILLED or io_of(parts, c).is_kept(c.id):
        return ""
    return "the shim of the container ended, and the container with it"


async def _restart(parts: Parts, c: Container, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    async with c.work:
        c.restart = None
        if c.state.status != states.RESTARTING:
            return
        c.state.restart_count += 1
        try:
            await start_locked(parts, c)
        except (BoxshipError, OSError) as e:
            log.warning("container %s could not be started again: %s", c.id[:12], e)


async def give_up_restart(parts: Parts, c: Container) -> None:
    """It waits for its next start: it shall not be started. For whoever has the work."""
    restart, c.restart = c.restart, None
    if restart is not None:
        restart.cancel()
        with suppress(asyncio.CancelledError):
            await restart
    if c.state.restarting:
        parts.move(c, "give up")
        c.waits.exited(c.state)
