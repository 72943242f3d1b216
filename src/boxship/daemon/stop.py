"""stop, kill, restart: ending a container, gently or not.

The work of the container is not held while we wait for its end: what follows an end needs it.
"""

from __future__ import annotations

import asyncio
import signal as signals_
from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.daemon import signals
from boxship.daemon.exits import give_up_restart
from boxship.daemon.start import start
from boxship.model.errors import Conflict, Invalid, NotFound, NotModified, System

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts

DEFAULT_TIMEOUT_S = 10
KILL_TIMEOUT_S = 10.0

_ENDING = {int(s) for s in (signals_.SIGTERM, signals_.SIGINT, signals_.SIGQUIT, signals_.SIGKILL)}


async def stop(parts: Parts, c: Container, patience: int | None, signal: str | None) -> None:
    """`docker stop`; NotModified when it does not run."""
    if not c.state.running:
        raise NotModified(f"container {c.id} is not running")
    await end(parts, c, patience, signal)
    parts.events.container(c, "stop")


async def end(
    parts: Parts, c: Container, patience: int | None, signal: str | None, *, by_hand: bool = True
) -> None:
    """The stop signal, a while, then SIGKILL; returns when it has ended.

    One that was not stopped by hand is started again with the daemon, if its policy says so.
    """
    try:
        number = signals.number(signal or c.config.get("StopSignal") or "SIGTERM")
    except Invalid as e:
        raise Invalid(f"cannot stop container: {c.name}: {e.message}") from e
    for default in (c.config.get("StopTimeout"), DEFAULT_TIMEOUT_S):
        patience = default if patience is None else patience
    assert patience is not None
    ended = c.waits.begin(c.state, "not-running")
    async with c.work:
        c.state.stopped_by_hand = by_hand
        parts.records.save(c.id, c.state)
        if c.state.restarting:
            await give_up_restart(parts, c)
    try:
        await _send(parts, c, number)
        if patience < 0:
            await ended
            return
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), patience)
            return
        await _send(parts, c, int(signals_.SIGKILL))
        await asyncio.wait_for(ended, KILL_TIMEOUT_S)
    except TimeoutError:
        raise System(
            f"container {c.id} did not end within {KILL_TIMEOUT_S:g} s of SIGKILL",
            hint="a process in it may wait for a device: see 'docker top'",
        ) from None
    finally:
        ended.cancel()


async def _send(parts: Parts, c: Container, number: int) -> None:
    async with c.work:
        if not c.state.alive:
            return
        with suppress(NotFound, Conflict):  # it has ended; its exit is on the way
            await parts.tasks.kill(c.id, number)
            if c.state.paused:
                await parts.tasks.resume(c.id)
        parts.events.container(c, "kill", signal=str(number))


async def kill(parts: Parts, c: Container, signal: str) -> None:
    """`docker kill`: one signal; with SIGKILL, return when it has ended."""
    where = f"cannot kill container: {c.name}: "
    try:
        number = signals.number(signal or "SIGKILL")
    except Exception as e:
        raise type(e)(f"{where}{e}") from e
    fatal = number == signals_.SIGKILL
    ended = c.waits.begin(c.state, "not-running")
    async with c.work:
        if c.state.restarting and fatal:
            c.state.stopped_by_hand = True
            await give_up_restart(parts, c)
            return
        if not c.state.alive:
            raise Conflict(f"{where}container {c.id} is not running")
        if number in _ENDING or number == _stop_signal(c):
            c.state.stopped_by_hand = True
            parts.records.save(c.id, c.state)
        with suppress(NotFound):
            await parts.tasks.kill(c.id, number)
            if c.state.paused and fatal:
                await parts.tasks.resume(c.id)
        parts.events.container(c, "kill", signal=str(number))
    if fatal:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ended, KILL_TIMEOUT_S)
    ended.cancel()


def _stop_signal(c: Container) -> int:
    return signals.number(c.config.get("StopSignal") or "SIGTERM")


async def restart(parts: Parts, c: Container, patience: int | None, signal: str | None) -> None:
    """`docker restart`: neither --rm nor the restart policy acts on the end in between."""
    with c.kept():
        if c.state.running:
            await end(parts, c, patience, signal)
            parts.events.container(c, "stop")
        with suppress(NotModified):
            await start(parts, c)
    parts.events.container(c, "restart")
