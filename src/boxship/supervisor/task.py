"""One task: its shim while that lives, and its end when the shim could not tell it.

making ──▶ living ──▶ deleted          the shim answers for everything
   │          │
   ▼          ▼ the connection ended
 gone       dying ──▶ dead ──▶ deleted  the supervisor answers: stopped, 137
"""

import asyncio
from typing import TYPE_CHECKING

from boxship.api.containerd import task_events_pb2 as events
from boxship.api.containerd.runc_options_pb2 import ProcessDetails
from boxship.api.containerd.task_pb2 import Status
from boxship.api.shim import task_pb2 as shim_api
from boxship.api.shim.client import ShimGone
from boxship.model.errors import BoxshipError, NotFound, Unavailable
from boxship.supervisor.bundle import Death

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from boxship.api.shim.client import TaskClient
    from boxship.supervisor.bundle import Bundle
    from boxship.supervisor.exchange import Exchange
    from boxship.supervisor.shims.shim import Shim

    T = TypeVar("T")

BURIAL_S = 60.0
DETAILS = "containerd.runc.v1.ProcessDetails"


class Task:
    """A created container, by the shim that serves it."""

    def __init__(self, bundle: "Bundle") -> None:
        """A task in the making; `adopt` gives it its shim."""
        self.bundle = bundle
        self.pid = 0
        self.execs: dict[str, int] = {}  # added processes that have not ended: pid, or 0
        self.end: Death | None = None  # of the init process, if its shim told it
        self.death: Death | None = None  # told by the supervisor, since the shim is dead
        self.leaving = False  # deleted, or not made after all: the end of its shim is no news
        self.deleting = asyncio.Lock()
        self._told: set[str] = set()  # processes whose exit was published
        self._shim: Shim | None = None
        self._buried = asyncio.Event()
        self._waits: dict[str, asyncio.Task[shim_api.WaitResponse]] = {}

    @property
    def id(self) -> str:
        """The container's id."""
        return self.bundle.id

    @property
    def namespace(self) -> str:
        """Containerd's namespace that it is in."""
        return self.bundle.namespace

    @property
    def shim(self) -> "Shim":
        """The shim that serves it, or did."""
        if self._shim is None:
            raise Unavailable(f"task {self.id} is being created", hint="try again in a moment")
        return self._shim

    def adopt(self, shim: "Shim") -> None:
        """Have it served by this shim from now on."""
        self._shim = shim

    # Asking the shim

    async def ask(self, call: "Callable[[TaskClient], Awaitable[T]]") -> "T | None":
        """The shim's answer; None when it is dead and the end of its task is known."""
        if self.death is not None:
            return None
        try:
            return await call(self.shim.client)
        except ShimGone:
            if self.leaving:
                raise NotFound(f"task {self.id} not found") from None
            await self._wait_for_burial()
            return None

    async def command(
        self, call: "Callable[[TaskClient], Awaitable[T]]", refusal: BoxshipError
    ) -> "T":
        """The shim's answer; `refusal` is raised where a dead task would have to do it."""
        answer = await self.ask(call)
        if answer is None and self.death is not None:
            raise refusal
        return answer  # type: ignore[return-value]  # None is the answer of some calls

    async def _wait_for_burial(self) -> None:
        try:
            await asyncio.wait_for(self._buried.wait(), BURIAL_S)
        except TimeoutError:
            raise Unavailable(f"the shim of {self.id} died and is not cleaned up yet") from None

    def bury(self, death: "Death") -> None:
        """From now on the supervisor answers for it."""
        self.death = death
        self._buried.set()

    async def state(self, exec_id: str = "") -> shim_api.StateResponse:
        """What the init process, or an added one, is now."""
        request = shim_api.StateRequest(id=self.id, exec_id=exec_id)
        answer = await self.ask(lambda shim: shim.state(request))
        return self._dead_state(exec_id) if answer is None else answer

    def _dead_state(self, exec_id: str) -> shim_api.StateResponse:
        assert self.death is not None
        if exec_id:
            raise NotFound(f"process does not exist {exec_id}")
        state = shim_api.StateResponse(id=self.id, bundle=self.bundle.path, pid=self.pid)
        state.status = Status.STOPPED
        state.exit_status = self.death.status
        state.exited_at.FromNanoseconds(self.death.at_ns)
        return state

    async def wait(self, exec_id: str = "") -> shim_api.WaitResponse:
        """Return when the process ended.  All who wait for one process share one call."""
        waiting = self._waits.get(exec_id)
        if waiting is None:
            waiting = asyncio.get_running_loop().create_task(self._wait(exec_id))
            self._waits[exec_id] = waiting
            waiting.add_done_callback(lambda _: self._waits.pop(exec_id, None))
        return await asyncio.shield(waiting)

    async def _wait(self, exec_id: str) -> shim_api.WaitResponse:
        request = shim_api.WaitRequest(id=self.id, exec_id=exec_id)
        answer = await self.ask(lambda shim: shim.wait(request))
        if answer is None:
            assert self.death is not None
            answer = shim_api.WaitResponse(exit_status=self.death.status)
            answer.exited_at.FromNanoseconds(self.death.at_ns)
        return answer

    async def delete(self) -> shim_api.DeleteResponse:
        """Have the shim forget the ended init process."""
        request = shim_api.DeleteRequest(id=self.id)
        answer = await self.ask(lambda shim: shim.delete(request))
        if answer is None:
            assert self.death is not None
            answer = shim_api.DeleteResponse(pid=self.pid, exit_status=self.death.status)
            answer.exited_at.FromNanoseconds(self.death.at_ns)
        return answer

    async def learn_execs(self) -> None:
        """After a restart: which added processes run; runc's shim and ours say it."""
        request = shim_api.PidsRequest(id=self.id)
        answer = await self.ask(lambda shim: shim.pids(request))
        for process in () if answer is None else answer.processes:
            if process.info.type_url.endswith(DETAILS):  # containerd's has no "/" before it
                exec_id = ProcessDetails.FromString(process.info.value).exec_id
                self.execs[exec_id] = process.pid

    # Events

    def observe(self, topic: str, event: bytes) -> bool:
        """Learn from an event of its shim; False if it was told already."""
        if topic == "/tasks/exit":
            ended = events.TaskExit.FromString(event)
            if ended.id == self.id:
                if ended.pid != self.pid:
                    return True  # a late word of the last task of this name
                self.end = Death(ended.exit_status, ended.exited_at.ToNanoseconds())
            return self._observe_exit(ended.id)
        if topic == "/tasks/exec-started":
            started = events.TaskExecStarted.FromString(event)
            self.execs[started.exec_id] = started.pid
            self._told.discard(started.exec_id)
        return True

    def _observe_exit(self, process: str) -> bool:
        self.execs.pop(process, None)
        if process in self._told:
            return False
        if process == self.id:
            self._told.add(process)
        return True

    def tell_exit(self, exchange: "Exchange", state: shim_api.StateResponse) -> None:
        """Publish the end of its init process unless that was done."""
        if self._observe_exit(self.id):
            event = events.TaskExit(container_id=self.id, id=self.id, pid=state.pid)
            event.exit_status = state.exit_status
            event.exited_at.CopyFrom(state.exited_at)
            exchange.publish(self.namespace, "/tasks/exit", event)

    def tell_death(self, exchange: "Exchange") -> None:
        """Publish the end of every process that the dead shim took with it."""
        assert self.death is not None
        for process, pid in [*self.execs.items(), (self.id, self.pid)]:
            if self._observe_exit(process):
                event = events.TaskExit(container_id=self.id, id=process, pid=pid)
                event.exit_status = self.death.status
                event.exited_at.FromNanoseconds(self.death.at_ns)
                exchange.publish(self.namespace, "/tasks/exit", event)
