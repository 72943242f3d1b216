"""The daemon's start: records and what really is are made to agree.

records, tasks ─▶ half made: removed · runs: taken up · ended meanwhile: its exit is handled
tasks, snapshots, folders, sandboxes without a record ─▶ removed
"""

from __future__ import annotations

import logging
import os
import shutil
from typing import TYPE_CHECKING

from boxship.daemon import restarts
from boxship.daemon.container import Container, Record, State
from boxship.daemon.discard import remove_locked, remove_volumes
from boxship.daemon.exits import exited_locked
from boxship.daemon.runtimes import io_of
from boxship.daemon.start import log_target, start_locked
from boxship.daemon.waits import Waits
from boxship.daemon.watch import LOST, VANISHED
from boxship.model import container as states
from boxship.model.errors import BoxshipError

if TYPE_CHECKING:
    from boxship.daemon.parts import Parts
    from boxship.daemon.tasks import Seen

log = logging.getLogger(__name__)


async def recover(parts: Parts) -> None:
    """Before anyone asks: load, take up, clean up, and start what shall always run."""
    half_made = _load(parts)
    tasks = {seen.container_id: seen for seen in await parts.tasks.all()}
    ours = {i for i in tasks if _runs(parts, i)}
    living = {i for i in ours if tasks[i].alive}
    for record in half_made:
        await parts.in_thread(remove_volumes, parts, record)
    for container_id in [*(r.id for r in half_made), *await _strangers(parts, tasks)]:
        await _remove_stranger(parts, container_id)
    known = {c.id for c in parts.containers}
    await parts.in_thread(parts.layers.recover, known)
    await parts.in_thread(parts.images.recover)
    await parts.networks.start(living)
    _sweep(parts, known, ours)
    for c in parts.containers:
        await _settle_safely(parts, c, tasks.get(c.id))
    for c in parts.containers:
        wanted = restarts.wanted_at_boot(restarts.policy(c.host_config), c.state)
        if wanted and c.state.status == states.EXITED:
            parts.spawn(_boot(parts, c), f"boot {c.id[:12]}")


def _load(parts: Parts) -> list[Record]:
    """The records into memory; returns those of containers that were never whole."""
    half_made = []
    for record, state, network, ready in parts.records.load():
        if ready:
            parts.containers.add(_known(record, state, network))
        else:
            half_made.append(record)
    return half_made


def _known(record: Record, state: State, network: dict[str, object]) -> Container:
    container = Container(record, state, Waits())
    container.network_settings = dict(network)
    return container


def _runs(parts: Parts, container_id: str) -> bool:
    c = parts.containers.find(container_id)
    return c is not None and c.state.alive


async def _strangers(parts: Parts, tasks: dict[str, Seen]) -> list[str]:
    """What the supervisor has and is not ours, or by the record does not run."""
    ids = set(tasks) | set(await parts.tasks.container_ids())
    return [i for i in ids if not _runs(parts, i)]


async def _remove_stranger(parts: Parts, container_id: str) -> None:
    log.info("container %s was left half made: removing what there is", container_id[:12])
    try:
        await parts.tasks.delete(container_id)
    except BoxshipError as e:
        log.warning("task %s cannot be removed: %s", container_id[:12], e)
    if parts.containers.find(container_id) is None:
        parts.records.delete(container_id)


def _sweep(parts: Parts, known: set[str], tasks: set[str]) -> None:
    folder = f"{parts.config.data_root}/containers"
    for name in os.listdir(folder):
        if name not in known:
            shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
    for io in (parts.io, parts.fifos):
        io.sweep(tasks)  # of the ended, too: whether their shims live says how they ended


async def _settle_safely(parts: Parts, c: Container, seen: Seen | None) -> None:
    """One container that resists must not keep the daemon, and with it all others, from serving."""
    try:
        async with c.work:
            await _settle(parts, c, seen)
    except Exception:
        log.exception("container %s could not be settled", c.id[:12])


async def _settle(parts: Parts, c: Container, seen: Seen | None) -> None:
    """Bring one container's record to what is."""
    if c.state.alive:
        if seen is not None and seen.alive:
            _take_up(parts, c, seen)
        elif seen is not None:
            _take_up_streams(parts, c)  # what it said last may still be on its way to the log
            await exited_locked(parts, c, seen.exit_code, seen.exited_at_ns)
        else:
            await exited_locked(parts, c, VANISHED, parts.clock(), LOST)
    elif c.state.restarting:
        parts.move(c, "give up")  # and the policy starts it below
    elif c.state.removing or (c.auto_remove and c.state.started_before):
        # Whether -v was asked for is not known: better a volume too many than one too few.
        await remove_locked(parts, c, volumes=c.auto_remove)


def _take_up(parts: Parts, c: Container, seen: Seen) -> None:
    c.state.pid = seen.pid
    if seen.paused != c.state.paused:
        c.state.move("pause" if seen.paused else "unpause")
    parts.records.save(c.id, c.state)
    _take_up_streams(parts, c)
    log.info("container %s runs on with pid %s", c.id[:12], seen.pid)


def _take_up_streams(parts: Parts, c: Container) -> None:
    io_of(parts, c).take_up(
        c.id, terminal=c.tty, stdin=bool(c.config["OpenStdin"]), log=log_target(c)
    )


async def _boot(parts: Parts, c: Container) -> None:
    async with c.work:
        if c.state.status != states.EXITED:
            return
        try:
            await start_locked(parts, c)
        except (TimeoutError, BoxshipError, OSError) as e:
            log.warning("container %s could not be started: %s", c.id[:12], e)
