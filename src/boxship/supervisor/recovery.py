"""After a start: find every task that the supervisor before this one left.

shim answers, has the task       take it up; tell its end if that came meanwhile
shim answers, knows no task      the making was cut short: end the shim, clean up
no shim, the task was created    the shim died meanwhile: clean up, tell its end
no shim, the end was told        the task stays stopped until it is deleted
no shim, never created           the making or the deletion was cut short: clean up
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from boxship.api.containerd.task_pb2 import Status
from boxship.api.shim import task_pb2 as shim_api
from boxship.api.shim.client import CallFailed, ShimGone
from boxship.model.errors import BoxshipError
from boxship.supervisor.bundle import bundles
from boxship.supervisor.task import Task
from boxship.wire import ttrpc

if TYPE_CHECKING:
    from boxship.api.shim.task_pb2 import StateResponse
    from boxship.supervisor.bundle import Bundle
    from boxship.supervisor.exchange import Exchange
    from boxship.supervisor.shims.shims import Shims
    from boxship.supervisor.tasks import Tasks

log = logging.getLogger(__name__)

ANSWER_S = 5.0


class Recovery:
    """Takes up the tasks below a directory."""

    def __init__(self, tasks: "Tasks", shims: "Shims", exchange: "Exchange") -> None:
        """What is found goes into `tasks`; ends that were missed go to `exchange`."""
        self._tasks = tasks
        self._shims = shims
        self._exchange = exchange

    async def run(self) -> None:
        """Look at every bundle, all at once."""
        found = list(bundles(self._tasks.directory))
        await asyncio.gather(*(self._safely_recover(bundle) for bundle in found))
        if found:
            log.info("recovered: %d bundles", len(found))

    async def _safely_recover(self, bundle: "Bundle") -> None:
        try:
            await self._recover(bundle)
        except (BoxshipError, OSError, ValueError) as error:
            log.warning("recovering task %s in %s: %s", bundle.id, bundle.namespace, error)

    async def _recover(self, bundle: "Bundle") -> None:
        task = Task(bundle)
        task.pid = bundle.pid()
        try:
            task.adopt(await self._shims.reach(bundle))
            state = await self._state(task)
        except (OSError, ShimGone):
            await self._without_shim(task)
            return
        if state is None:
            await self._without_task(task)
        else:
            await self._take_up(task, state)

    async def _state(self, task: Task) -> "StateResponse | None":
        """What the shim says; None if it has no task."""
        request = shim_api.StateRequest(id=task.id)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await task.shim.client.state(request)
        except TimeoutError:
            if not task.pid:
                raise ShimGone("its socket is held by nobody who answers") from None
            log.warning("the shim of %s does not answer; it is kept", task.id)
            return shim_api.StateResponse(id=task.id, pid=task.pid)
        except CallFailed as error:
            if error.code == ttrpc.NOT_FOUND:
                return None
            raise

    async def _take_up(self, task: Task, state: "StateResponse") -> None:
        task.pid = state.pid or task.pid
        if not task.bundle.pid():
            task.bundle.note_pid(task.pid)
        self._tasks.keep(task)
        self._tasks.watch(task)
        if state.status == Status.STOPPED:
            task.tell_exit(self._exchange, state)
        elif state.status in (Status.RUNNING, Status.PAUSED):
            await self._learn_execs(task)

    async def _learn_execs(self, task: Task) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await task.learn_execs()
        except (BoxshipError, TimeoutError) as error:
            log.debug("processes of %s: %s", task.id, error)

    async def _without_task(self, task: Task) -> None:
        log.info("task %s was never made, its shim is ended", task.id)
        await task.shim.dismiss()
        await self._shims.clean_up(task.bundle)
        task.bundle.remove()

    async def _without_shim(self, task: Task) -> None:
        death = task.bundle.death()
        if death is not None:
            task.bury(death)
            self._tasks.keep(task)
        elif task.pid:
            log.warning("the shim of task %s died while no supervisor ran", task.id)
            await self._tasks.bury(task)
            self._tasks.keep(task)
        else:
            log.info("task %s was half made or half deleted, it is cleaned up", task.id)
            await self._shims.clean_up(task.bundle)
            task.bundle.remove()
