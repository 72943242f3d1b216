"""Every task that there is: making, deleting, and what is done when a shim dies."""

import asyncio
import logging
from typing import TYPE_CHECKING

from boxship.api.containerd import task_events_pb2 as events
from boxship.api.shim import task_pb2 as shim_api
from boxship.api.shim.client import CallFailed, ShimGone
from boxship.model.errors import BoxshipError, NotFound, Unavailable, Unsupported
from boxship.supervisor.bundle import Bundle
from boxship.supervisor.shims.zygote import ZygoteGone
from boxship.supervisor.status import Exists
from boxship.supervisor.task import Task
from boxship.wire import ttrpc

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any as AnyType
    from typing import TypeVar

    from boxship.api.containerd.containers_pb2 import Container
    from boxship.api.containerd.event_pb2 import Envelope
    from boxship.api.containerd.tasks_pb2 import CreateTaskRequest
    from boxship.supervisor.exchange import Exchange
    from boxship.supervisor.shims.shims import Shims
    from boxship.supervisor.store import Store

    T = TypeVar("T")

log = logging.getLogger(__name__)

LAUNCHES = 3  # of a shim, when the zygote dies under it
UNDO_S = 30.0
SIGKILL = 9


class Tasks:
    """The tasks of all namespaces."""

    def __init__(
        self, directory: str, store: "Store", shims: "Shims", exchange: "Exchange"
    ) -> None:
        """Bundles are below `directory`."""
        self.directory = directory
        self._store = store
        self._shims = shims
        self._exchange = exchange
        self._tasks: dict[tuple[str, str], Task] = {}
        self._work: set[asyncio.Task[AnyType]] = set()
        self._stopping = False

    def get(self, namespace: str, container_id: str) -> Task:
        """The task of a container; NotFound says whether container or task is missing."""
        task = self._tasks.get((namespace, container_id))
        if task is None:
            self._store.container(namespace, container_id)
            raise NotFound(f"task {container_id} not found")
        return task

    def has(self, namespace: str, container_id: str) -> bool:
        """Whether the container has a task."""
        return (namespace, container_id) in self._tasks

    def list(self, namespace: str) -> list[Task]:
        """Every task of a namespace, by id."""
        return [self._tasks[key] for key in sorted(self._tasks) if key[0] == namespace]

    def stop(self) -> None:
        """Shims whose connection ends from now on are not dead: we hang up."""
        self._stopping = True

    def start(self, work: "Coroutine[None, None, T]") -> "asyncio.Task[T]":
        """Begin something that ends by itself, whoever goes away."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    # Make

    async def create(self, namespace: str, request: "CreateTaskRequest") -> Task:
        """Make the task of a container; when the caller goes away meanwhile it is undone."""
        container = self._store.container(namespace, request.container_id)
        if request.HasField("checkpoint"):
            raise Unsupported("restoring a task from a checkpoint is not supported")
        key = (namespace, container.id)
        if key in self._tasks:
            raise Exists(f"task {container.id}")
        task = self._tasks[key] = Task(Bundle(self.directory, namespace, container.id))
        making = self.start(self._make(task, container, request))
        try:
            await asyncio.shield(making)
        except asyncio.CancelledError:
            self.start(self._undo(task, making))
            raise
        return task

    async def _make(self, task: Task, container: "Container", request: "CreateTaskRequest") -> None:
        try:
            await self._make_bundle(task.bundle, container.spec.value)
        except BaseException:
            self._forget(task)
            raise
        try:
            await self._launch_and_create(task, container, request)
        except BaseException:
            await self._unmake(task)
            raise
        task.bundle.note_pid(task.pid)
        self.watch(task)

    async def _make_bundle(self, bundle: Bundle, spec: bytes) -> None:
        try:
            bundle.make(spec)
        except Exists:
            log.warning("%s is in the way and belongs to no task", bundle.path)
            await self._shims.clean_up(bundle)
            bundle.remove()
            bundle.make(spec)

    async def _launch_and_create(
        self, task: Task, container: "Container", request: "CreateTaskRequest"
    ) -> None:
        runtime = request.runtime_path or container.runtime.name
        options = container.runtime.options
        order = _order(task, container, request)
        for attempt in range(1, LAUNCHES + 1):
            shim = await self._shims.launch(task.bundle, runtime, options.SerializeToString())
            task.adopt(shim)
            try:
                task.pid = (await shim.client.create(order)).pid
            except ShimGone:
                await self._why_gone(task, last=attempt == LAUNCHES)
            except CallFailed as error:
                if task.bundle.bootstrap() is None:
                    raise  # ours says what it means; of others containerd says this before
                raise CallFailed(error.code, f"failed to create shim task: {error}") from error
            else:
                return

    async def _why_gone(self, task: Task, *, last: bool) -> None:
        """Return when another try makes sense: the zygote died before there was a shim."""
        try:
            await task.shim.born()
        except ZygoteGone:
            if last:
                raise
            log.info("the zygote died under the shim of %s, trying again", task.id)
            return
        raise Unavailable(
            f"the shim of {task.id} died while it made the container",
            hint="the log of the supervisor has its last words",
        )

    async def _unmake(self, task: Task) -> None:
        """Take back a task that could not be made."""
        task.leaving = True
        try:
            alive = not task.shim.client.closed.done()
        except BoxshipError:
            alive = False  # not even a shim was there
        try:
            if alive:
                await task.shim.dismiss()
            if not alive or task.bundle.bootstrap() is not None:
                await self._shims.clean_up(task.bundle)
            task.bundle.remove()
        except BoxshipError as error:
            log.warning("taking back task %s: %s", task.id, error)
        finally:
            self._forget(task)

    async def _undo(self, task: Task, making: asyncio.Task[None]) -> None:
        """The client went away while its task was made: nobody would ever start it."""
        try:
            await making
            async with asyncio.timeout(UNDO_S):
                kill = shim_api.KillRequest(id=task.id, signal=SIGKILL, all=True)
                waiting = self.start(task.wait())
                await task.ask(lambda shim: shim.kill(kill))
                await waiting
                await self._delete(task)
        except (BoxshipError, TimeoutError, OSError) as error:
            log.warning("undoing the creation of task %s: %s", task.id, error)

    def _forget(self, task: Task) -> None:
        self._tasks.pop((task.namespace, task.id), None)

    # Delete

    async def delete(self, namespace: str, container_id: str) -> shim_api.DeleteResponse:
        """Forget a task that ended; once begun it is finished, also when the caller goes away."""
        task = self.get(namespace, container_id)
        return await asyncio.shield(self.start(self._delete(task)))

    async def _delete(self, task: Task) -> shim_api.DeleteResponse:
        async with task.deleting:
            if task.leaving:
                raise NotFound(f"task {task.id} not found")
            answer = await task.delete()
            task.leaving = True
            if task.death is None:
                await task.shim.dismiss()
            try:
                task.bundle.remove()
            finally:
                self._forget(task)
            if task.death is not None:
                self._tell_deleted(task, answer)
            return answer

    def _tell_deleted(self, task: Task, answer: shim_api.DeleteResponse) -> None:
        """A living shim says this itself."""
        event = events.TaskDelete(container_id=task.id, pid=answer.pid)
        event.exit_status = answer.exit_status
        event.exited_at.CopyFrom(answer.exited_at)
        self._exchange.publish(task.namespace, "/tasks/delete", event)

    # Shims that die

    def keep(self, task: Task) -> None:
        """Take in a task that was found, not made."""
        self._tasks[task.namespace, task.id] = task

    def watch(self, task: Task) -> None:
        """See when its shim dies."""
        task.shim.client.closed.add_done_callback(lambda _: self._shim_ended(task))

    def _shim_ended(self, task: Task) -> None:
        if not task.leaving and not self._stopping and task.death is None:
            log.warning("the shim of task %s in %s died", task.id, task.namespace)
            self.start(self.bury(task))

    async def bury(self, task: Task) -> None:
        """Clean up after a dead shim, then tell the end of its task, once."""
        await self._shims.clean_up(task.bundle)
        task.bury(task.bundle.note_death(task.end))
        task.tell_death(self._exchange)

    # Events

    def take(self, envelope: "Envelope") -> None:
        """An event from a shim: learn from it and pass it on."""
        try:
            task = self._task_of(envelope)
            fresh = task is None or task.observe(envelope.topic, envelope.event.value)
        except ValueError as error:
            raise CallFailed(
                ttrpc.INVALID_ARGUMENT, f"{envelope.topic}: malformed event: {error}"
            ) from error
        if fresh:
            self._exchange.forward(envelope)

    def _task_of(self, envelope: "Envelope") -> Task | None:
        if not envelope.topic.startswith("/tasks/"):
            return None
        container_id = events.TaskOOM.FromString(envelope.event.value).container_id
        return self._tasks.get((envelope.namespace, container_id))


def _order(
    task: Task, container: "Container", request: "CreateTaskRequest"
) -> shim_api.CreateTaskRequest:
    """What the shim is asked to make."""
    options = request.options if request.options.value else container.runtime.options
    order = shim_api.CreateTaskRequest(
        id=task.id,
        bundle=task.bundle.path,
        rootfs=request.rootfs,
        terminal=request.terminal,
        stdin=request.stdin,
        stdout=request.stdout,
        stderr=request.stderr,
    )
    if options.type_url:
        order.options.CopyFrom(options)
    return order
