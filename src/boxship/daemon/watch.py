"""The supervisor's events, one stream: each becomes one thing to do for one container."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from boxship.api.containerd import task_events_pb2
from boxship.daemon import exec as execs
from boxship.daemon.exits import exited, exited_locked
from boxship.daemon.tasks import nanoseconds
from boxship.model.errors import BoxshipError

if TYPE_CHECKING:
    from boxship.api.containerd.event_pb2 import Envelope
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts

log = logging.getLogger(__name__)

VANISHED = 255  # the exit code of what ended without a trace, as Docker has it
LOST = "the container's supervising process was lost"


async def watch(parts: Parts) -> None:
    """Follow events for ever; after every gap, compare with what the supervisor knows."""
    while True:
        await parts.tasks.serving.wait()
        try:
            await _follow(parts)
        except (OSError, GRPCError, StreamTerminatedError, ProtocolError, BoxshipError) as e:
            log.info("the supervisor's events ended (%s): connecting again", repr(e))
        await asyncio.sleep(0.05)


async def _follow(parts: Parts) -> None:
    catching_up: asyncio.Task[None] | None = None
    try:
        stream = parts.tasks.events()
        # Whoever died before this stream began is found by comparing, which begins after it.
        catching_up = parts.spawn(_catch_up_soon(parts), "catch up")
        async for envelope in stream:
            _handle_safely(parts, envelope)
    finally:
        if catching_up is not None:
            catching_up.cancel()


async def _catch_up_soon(parts: Parts) -> None:
    await asyncio.sleep(0.1)
    try:
        await catch_up(parts)
    except BoxshipError as e:
        log.warning("could not compare with the supervisor: %s", e)


async def catch_up(parts: Parts) -> None:
    """Ends that no event told of: by the record it runs, by the supervisor it does not."""
    tasks = {seen.container_id: seen for seen in await parts.tasks.all()}
    for c in parts.containers:
        seen = tasks.get(c.id)
        if c.state.alive and (seen is None or not seen.alive):
            parts.spawn(_check(parts, c), f"check {c.id[:12]}")
        elif c.state.alive and seen is not None and not c.work.locked():
            _same_pause(parts, c, seen.paused)


def _same_pause(parts: Parts, c: Container, paused: bool) -> None:
    if paused != c.state.paused:
        parts.move(c, "pause" if paused else "unpause")


async def _check(parts: Parts, c: Container) -> None:
    """Ask again when it is our turn: what was seen may be from before its last start."""
    async with c.work:
        if not c.state.alive:
            return
        seen = await parts.tasks.get(c.id)
        if seen is None:
            await exited_locked(parts, c, 137, parts.clock(), LOST)
        elif not seen.alive:
            await exited_locked(parts, c, seen.exit_code, seen.exited_at_ns)


def _handle_safely(parts: Parts, envelope: Envelope) -> None:
    try:
        handle(parts, envelope)
    except Exception:  # one event that cannot be handled must not make us deaf for all others
        log.exception("the event %s could not be handled", envelope.topic)


def handle(parts: Parts, envelope: Envelope) -> None:
    """One event; what takes time is done beside the stream."""
    if envelope.topic == "/tasks/exit":
        end = task_events_pb2.TaskExit.FromString(envelope.event.value)
        c = parts.containers.find(end.container_id)
        if c is not None:
            _exit(parts, c, end)
    elif envelope.topic == "/tasks/oom":
        oom = task_events_pb2.TaskOOM.FromString(envelope.event.value)
        c = parts.containers.find(oom.container_id)
        if c is not None:
            c.state.oom_killed = True
            parts.records.save(c.id, c.state)
            parts.events.container(c, "oom")
    elif envelope.topic in ("/tasks/paused", "/tasks/resumed"):
        _frozen(parts, envelope)


def _exit(parts: Parts, c: Container, end: task_events_pb2.TaskExit) -> None:
    if end.id in ("", end.container_id):
        job = exited(parts, c, end.exit_status, nanoseconds(end.exited_at), pid=end.pid)
        parts.spawn(job, f"exit {c.id[:12]}")
    elif end.id in c.execs:
        job = execs.ended(parts, c.execs[end.id], end.exit_status)
        parts.spawn(job, f"exec exit {end.id[:12]}")
    else:  # of a client of an earlier daemon, or of somebody else (ctr), who deletes it himself
        log.debug("exec %s of %s has ended", end.id[:12], c.id[:12])


def _frozen(parts: Parts, envelope: Envelope) -> None:
    """Somebody else (ctr) paused or resumed it."""
    event = task_events_pb2.TaskPaused.FromString(envelope.event.value)
    c = parts.containers.find(event.container_id)
    if c is None or c.work.locked() or not c.state.alive:
        return
    _same_pause(parts, c, envelope.topic == "/tasks/paused")
