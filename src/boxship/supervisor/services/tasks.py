"""containerd.services.tasks.v1: containers that run.  The shim of each does the work."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from boxship.api.containerd import tasks_pb2 as api
from boxship.api.containerd.metrics_pb2 import Metric
from boxship.api.containerd.task_pb2 import Process, Status
from boxship.api.shim import task_pb2 as shim_api
from boxship.model.errors import BoxshipError, Conflict, NotFound, Unsupported
from boxship.supervisor.filters import parse_filters
from boxship.supervisor.grpc import Call, Service
from boxship.supervisor.identifiers import check_identifier

if TYPE_CHECKING:
    from boxship.supervisor.filters import Path
    from boxship.supervisor.task import Task
    from boxship.supervisor.tasks import Tasks as AllTasks

LIST_S = 4.0  # for the state of one task among many


class Tasks(Service):
    """Create to Delete of tasks and of processes added to them."""

    descriptor = api.DESCRIPTOR.services_by_name["Tasks"]

    def __init__(self, tasks: "AllTasks") -> None:
        """The tasks of all namespaces."""
        self._tasks = tasks

    def _task(self, call: Call, container_id: str) -> "Task":
        return self._tasks.get(call.namespace, container_id)

    # The life of a task

    async def Create(self, call: Call, request: api.CreateTaskRequest) -> api.CreateTaskResponse:
        """Everything but running the program."""
        task = await self._tasks.create(call.namespace, request)
        return api.CreateTaskResponse(container_id=task.id, pid=task.pid)

    async def Start(self, call: Call, request: api.StartRequest) -> api.StartResponse:
        """Run the program of the task, or of a process added to it."""
        task = self._task(call, request.container_id)
        order = shim_api.StartRequest(id=task.id, exec_id=request.exec_id)
        refusal = Conflict("cannot start a stopped process")
        answer = await task.command(lambda shim: shim.start(order), refusal)
        if request.exec_id:
            task.execs[request.exec_id] = answer.pid
        return api.StartResponse(pid=answer.pid)

    async def Delete(self, call: Call, request: api.DeleteTaskRequest) -> api.DeleteResponse:
        """Forget a task that ended, and its shim."""
        answer = await self._tasks.delete(call.namespace, request.container_id)
        return _deleted(request.container_id, answer)

    async def DeleteProcess(
        self, call: Call, request: api.DeleteProcessRequest
    ) -> api.DeleteResponse:
        """Forget an added process that ended."""
        task = self._task(call, request.container_id)
        order = shim_api.DeleteRequest(id=task.id, exec_id=request.exec_id)
        refusal = NotFound(f"process does not exist {request.exec_id}")
        answer = await task.command(lambda shim: shim.delete(order), refusal)
        task.execs.pop(request.exec_id, None)
        return _deleted(request.exec_id, answer)

    async def Wait(self, call: Call, request: api.WaitRequest) -> api.WaitResponse:
        """Answered when the process ended, also by the death of its shim."""
        answer = await self._task(call, request.container_id).wait(request.exec_id)
        return api.WaitResponse(exit_status=answer.exit_status, exited_at=answer.exited_at)

    # What there is

    async def Get(self, call: Call, request: api.GetRequest) -> api.GetResponse:
        """One process."""
        task = self._task(call, request.container_id)
        state = await task.state(request.exec_id)
        return api.GetResponse(process=_process(task, state))

    async def List(self, call: Call, request: api.ListTasksRequest) -> api.ListTasksResponse:
        """The init process of every task; of a shim that hangs, what is known of it."""
        tasks = self._tasks.list(call.namespace)
        found = await asyncio.gather(*(_listed(task) for task in tasks))
        return api.ListTasksResponse(tasks=[process for process in found if process is not None])

    async def ListPids(self, call: Call, request: api.ListPidsRequest) -> api.ListPidsResponse:
        """Every process inside."""
        task = self._task(call, request.container_id)
        order = shim_api.PidsRequest(id=task.id)
        answer = await task.ask(lambda shim: shim.pids(order))
        return api.ListPidsResponse(processes=[] if answer is None else answer.processes)

    async def Metrics(self, call: Call, request: api.MetricsRequest) -> api.MetricsResponse:
        """Measurements of every task that matches a filter (id, namespace)."""
        matches, namespace = parse_filters(request.filters), call.namespace
        every = self._tasks.list(namespace)
        chosen = [task for task in every if matches(partial(field_of, task))]
        found = await asyncio.gather(*(_measured(task) for task in chosen))
        return api.MetricsResponse(metrics=[metric for metric in found if metric is not None])

    # Orders

    async def Kill(self, call: Call, request: api.KillRequest) -> Empty:
        """Send a signal to a process, or to all of the container."""
        task = self._task(call, request.container_id)
        order = shim_api.KillRequest(id=task.id, exec_id=request.exec_id, signal=request.signal)
        order.all = request.all
        refusal = NotFound("process already finished")
        await task.command(lambda shim: shim.kill(order), refusal)
        return Empty()

    async def Exec(self, call: Call, request: api.ExecProcessRequest) -> Empty:
        """Add a process; Start runs it."""
        task = self._task(call, request.container_id)
        order = shim_api.ExecProcessRequest(
            id=task.id,
            exec_id=check_identifier(request.exec_id),
            terminal=request.terminal,
            stdin=request.stdin,
            stdout=request.stdout,
            stderr=request.stderr,
            spec=request.spec,
        )
        await task.command(
            lambda shim: shim.exec(order), Conflict("cannot exec in a stopped state")
        )
        return Empty()

    async def ResizePty(self, call: Call, request: api.ResizePtyRequest) -> Empty:
        """Set the size of a terminal."""
        task = self._task(call, request.container_id)
        order = shim_api.ResizePtyRequest(id=task.id, exec_id=request.exec_id)
        order.width, order.height = request.width, request.height
        await task.command(lambda shim: shim.resize_pty(order), _finished(task))
        return Empty()

    async def CloseIO(self, call: Call, request: api.CloseIORequest) -> Empty:
        """Close a stdin."""
        task = self._task(call, request.container_id)
        order = shim_api.CloseIORequest(id=task.id, exec_id=request.exec_id, stdin=request.stdin)
        await task.command(lambda shim: shim.close_io(order), _finished(task))
        return Empty()

    async def Pause(self, call: Call, request: api.PauseTaskRequest) -> Empty:
        """Freeze every process."""
        task = self._task(call, request.container_id)
        order = shim_api.PauseRequest(id=task.id)
        await task.command(lambda shim: shim.pause(order), _finished(task))
        return Empty()

    async def Resume(self, call: Call, request: api.ResumeTaskRequest) -> Empty:
        """Let them go on."""
        task = self._task(call, request.container_id)
        order = shim_api.ResumeRequest(id=task.id)
        await task.command(lambda shim: shim.resume(order), _finished(task))
        return Empty()

    async def Update(self, call: Call, request: api.UpdateTaskRequest) -> Empty:
        """Change limits."""
        task = self._task(call, request.container_id)
        order = shim_api.UpdateTaskRequest(
            id=task.id, resources=request.resources, annotations=dict(request.annotations)
        )
        await task.command(lambda shim: shim.update(order), _finished(task))
        return Empty()

    async def Checkpoint(
        self, call: Call, request: api.CheckpointTaskRequest
    ) -> api.CheckpointTaskResponse:
        """Not yet."""
        self._task(call, request.container_id)
        raise Unsupported(
            "checkpoint needs CRIU and a place for its images, which this supervisor has not"
        )


def _finished(task: "Task") -> BoxshipError:
    return Conflict(f"task {task.id} has stopped: its shim died")


def _deleted(process: str, answer: shim_api.DeleteResponse) -> api.DeleteResponse:
    return api.DeleteResponse(
        id=process, pid=answer.pid, exit_status=answer.exit_status, exited_at=answer.exited_at
    )


def _process(task: "Task", state: shim_api.StateResponse) -> Process:
    process = Process(
        container_id=task.id,
        id=state.exec_id or task.id,
        pid=state.pid,
        status=state.status,
        stdin=state.stdin,
        stdout=state.stdout,
        stderr=state.stderr,
    )
    process.terminal = state.terminal
    process.exit_status = state.exit_status
    if state.HasField("exited_at"):
        process.exited_at.CopyFrom(state.exited_at)
    return process


async def _listed(task: "Task") -> Process | None:
    try:
        async with asyncio.timeout(LIST_S):
            return _process(task, await task.state())
    except TimeoutError:
        return Process(container_id=task.id, id=task.id, pid=task.pid, status=Status.UNKNOWN)
    except BoxshipError:
        return None  # it is being made or deleted


async def _measured(task: "Task") -> Metric | None:
    request = shim_api.StatsRequest(id=task.id)
    try:
        async with asyncio.timeout(LIST_S):
            answer = await task.ask(lambda shim: shim.stats(request))
    except (BoxshipError, TimeoutError):
        return None
    if answer is None:
        return None
    metric = Metric(id=task.id, data=answer.stats)
    metric.timestamp.GetCurrentTime()
    return metric


def field_of(task: "Task", path: "Path") -> str | None:
    """A field as filters name it: id, namespace."""
    known: dict[Path, str] = {("id",): task.id, ("namespace",): task.namespace}
    return known.get(path)
