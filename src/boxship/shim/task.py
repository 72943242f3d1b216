"""The task: containerd's Task API, method by method.  messages.py has the fields.

A method returns its answer, or is a generator of jobs that returns it.
"""

import json
import os
import time

from boxship.model.errors import Conflict, Invalid, NotFound, Unsupported
from boxship.shim import choice, messages, rootfs
from boxship.shim.cgroup import OomWatch, group_of, is_unified
from boxship.shim.events import Publisher
from boxship.shim.jobs import after_exit
from boxship.shim.loop import Loop
from boxship.shim.process import PAUSED, STATUS, STOPPED, Process
from boxship.shim.stdio import Stdio
from boxship.shim.wanted import Wanted
from boxship.wire.protobuf import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from boxship.shim.loop import Steps
    from boxship.shim.runtimes import Runtime

    Fields = dict[str, Any]
    MakeRuntime = Callable[[Loop, str, str, Fields], Runtime]

VERSION = "boxship"
_DETAILS_TYPE = "containerd.runc.v1.ProcessDetails"


class Exists(Conflict):
    """It is there already."""


class Task:
    """One container and its processes."""

    def __init__(self, loop: Loop, container_id: str, namespace: str, publisher: Publisher) -> None:
        """Nothing is created; `on_shutdown` is called when the shim is to end."""
        self.id = container_id
        self.on_shutdown: Callable[[], None] = lambda: None
        self.make_runtime: MakeRuntime = choice.runtime_of
        self._loop = loop
        self._namespace = namespace
        self._publisher = publisher
        self._bundle = ""
        self._mounted = False
        self._init: Process | None = None
        self._execs: dict[str, Process] = {}
        self._retired: list[Stdio] = []
        self._runtime: Runtime | None = None
        self._oom: OomWatch | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no container, or not any more."""
        return self._init is None

    @property
    def busy(self) -> bool:
        """Whether output is still being delivered."""
        return any(stdio.busy for stdio in self._retired)

    def call(self, method: str, request: "Fields") -> "Fields | Steps":
        """Carry out one call."""
        handler = _HANDLERS.get(method)
        if handler is None:
            raise Unsupported(f"method {method} is not one of this shim's")
        return handler(self, request)

    def create(self, request: "Fields") -> "Steps":
        """Create: make the container; its init waits for Start."""
        if self._init is not None:
            raise Exists(f"container {self.id} already exists")
        if request["checkpoint"]:
            raise Unsupported("restoring a checkpoint is not supported by this shim")
        self._bundle = request["bundle"]
        self._runtime = self.make_runtime(self._loop, self.id, self._namespace, request)
        stdio = Stdio(self._loop, _wanted(request))
        init = self._init = Process("", stdio)
        init.busy = True
        try:
            stdio.prepare()
            target = f"{self._bundle}/rootfs"
            self._mounted = rootfs.mount_all(request["rootfs"], target)
            yield from self._make(init, self._runtime.create(self._bundle, stdio))
        except BaseException:
            self._undo_create()
            raise
        init.move("create")
        self._oom = OomWatch(self._loop, init.pid, self._tell_oom)
        self._publish("/tasks/create", self._created_fields(request))
        init.release_exit()
        return {"pid": init.pid}

    def _undo_create(self) -> None:
        init, self._init = self._init, None
        if init:
            self._retire(init)
        if self._mounted:
            rootfs.unmount_all(f"{self._bundle}/rootfs")
            self._mounted = False

    def _make(self, process: Process, birth: "Steps") -> "Steps":
        """A new process of the runtime; its exit counts from its first moment."""
        self._loop.expect_child()
        try:
            process.pid = yield from birth
            self._loop.watch_child(process.pid, lambda status: self._ended(process, status))
        finally:
            self._loop.child_known()

    def _ended(self, process: Process, wait_status: int) -> None:
        process.ended(wait_status, time.time_ns(), lambda: self._tell_exit(process))

    def start(self, request: "Fields") -> "Steps":
        """Start: the init executes its program; an exec is made and started at once."""
        process = self._find(request)
        process.check("start" if not process.exec_id else "create")
        process.hold_exit()
        try:
            if process.exec_id:
                yield from self._start_exec(process)
            else:
                yield from self._start_init(process)
        except BaseException:
            process.quiet = True
            if not process.alive:
                process.never_ran(time.time_ns())
            raise
        finally:
            self._loop.later(0, process.release_exit)
        return {"pid": process.pid}

    def _start_init(self, init: Process) -> "Steps":
        init.stdio.start()
        yield from self._with_runtime().start()
        init.move("start")
        self._publish("/tasks/start", {"pid": init.pid})

    def _start_exec(self, process: Process) -> "Steps":
        init = self._find({"exec_id": ""})
        if not init.alive:
            raise Conflict(f"cannot exec in a {init.state} container")
        birth = self._with_runtime().execute(process.exec_id, process.spec or {}, process.stdio)
        yield from self._make(process, birth)
        process.stdio.start()
        process.move("create")
        process.move("start")
        fields = {"exec_id": process.exec_id, "pid": process.pid}
        self._publish("/tasks/exec-started", fields)

    def exec(self, request: "Fields") -> "Fields":
        """Exec: plan another process; its attach socket listens from now on."""
        exec_id = request["exec_id"]
        if not exec_id or "/" in exec_id:
            raise Invalid(f"{exec_id!r} is not an exec id")
        init = self._find({"exec_id": ""})
        if exec_id in self._execs:
            raise Exists(f"exec {exec_id} already exists")
        if not init.alive:
            raise Conflict(f"cannot exec in a {init.state} container")
        spec = json.loads((request["spec"] or {}).get("value") or b"{}")
        spec["terminal"] = request["terminal"]
        process = Process(exec_id, Stdio(self._loop, _wanted(request)), spec)
        process.stdio.prepare()
        self._execs[exec_id] = process
        self._publish("/tasks/exec-added", {"exec_id": exec_id})
        return {}

    def delete(self, request: "Fields") -> "Steps":
        """Delete: forget a process that has ended; with the init, the container."""
        process = self._find(request)
        process.check("delete")
        process.busy = True
        try:
            if not process.exec_id:
                yield from self._delete_container(ended=not process.alive)
        finally:
            process.busy = False
        process.move("delete")
        self._retire(process)
        process.answer_waiting()
        answer = _deleted(process)
        if process.exec_id:
            del self._execs[process.exec_id]
        else:
            self._init = None
            self._publish("/tasks/delete", answer)
        return answer

    def _delete_container(self, *, ended: bool) -> "Steps":
        for process in list(self._execs.values()):
            self._retire(process)
        self._execs.clear()
        if self._oom:
            self._oom.close()
        yield from self._with_runtime().delete(ended=ended)
        if self._mounted:
            rootfs.unmount_all(f"{self._bundle}/rootfs")
            self._mounted = False

    def _retire(self, process: Process) -> None:
        process.stdio.retire()
        self._retired = [stdio for stdio in self._retired if stdio.busy]
        self._retired.append(process.stdio)

    def state(self, request: "Fields") -> "Fields":
        """State."""
        process = self._find(request)
        wanted = process.stdio.wanted
        return {
            "id": self.id,
            "bundle": self._bundle,
            "pid": process.pid,
            "status": STATUS[process.state],
            "stdin": wanted.stdin,
            "stdout": wanted.stdout,
            "stderr": wanted.stderr,
            "terminal": wanted.terminal,
            "exit_status": process.exit_status,
            "exited_at": messages.timestamp(process.exited_ns),
            "exec_id": process.exec_id,
        }

    def pids(self, _request: "Fields") -> "Fields":
        """Pids: of all processes in the container's cgroup."""
        init = self._find({"exec_id": ""})
        known = {process.pid: name for name, process in self._execs.items() if process.alive}
        found = group_of(init.pid).pids() if init.alive else []
        return {"processes": [{"pid": pid, "info": _details(known.get(pid))} for pid in found]}

    def kill(self, request: "Fields") -> "Fields | Steps":
        """Kill."""
        process = self._find(request)
        if request["all"] and not process.exec_id:
            return self._kill_all(request["signal"])
        process.kill(request["signal"])
        return {}

    def _kill_all(self, number: int) -> "Steps":
        yield from self._with_runtime().kill_all(number)
        return {}

    def pause(self, _request: "Fields") -> "Steps":
        """Pause."""
        init = self._find({"exec_id": ""})
        init.check("pause")
        yield from self._with_runtime().pause()
        init.move("pause")
        self._publish("/tasks/paused", {})
        return {}

    def resume(self, _request: "Fields") -> "Steps":
        """Resume."""
        init = self._find({"exec_id": ""})
        init.check("resume")
        yield from self._with_runtime().resume()
        if init.state == PAUSED:
            init.move("resume")
        self._publish("/tasks/resumed", {})
        return {}

    def resize_pty(self, request: "Fields") -> "Fields":
        """ResizePty; without a terminal nothing, as containerd."""
        self._find(request).stdio.resize(request["width"], request["height"])
        return {}

    def close_io(self, request: "Fields") -> "Fields":
        """CloseIO: the end of the input."""
        process = self._find(request)
        if request["stdin"]:
            process.stdio.close_stdin()
        return {}

    def update(self, request: "Fields") -> "Steps":
        """Update: runtime-spec's LinuxResources, as JSON."""
        self._find({"exec_id": ""})
        resources = json.loads((request["resources"] or {}).get("value") or b"{}")
        yield from self._with_runtime().update(resources)
        return {}

    def wait(self, request: "Fields") -> "Steps":
        """Wait: answered when the process has ended."""
        process = self._find(request)
        yield after_exit(process.when_ended)
        return {
            "exit_status": process.exit_status,
            "exited_at": messages.timestamp(process.exited_ns),
        }

    def stats(self, _request: "Fields") -> "Fields":
        """Stats: what the cgroup counts, in containerd's messages."""
        init = self._find({"exec_id": ""})
        if not init.alive:
            raise NotFound(f"container {self.id} has no running process")
        from boxship.shim import metrics

        return {"stats": metrics.metrics(group_of(init.pid).stats(), unified=is_unified())}

    def connect(self, _request: "Fields") -> "Fields":
        """Connect: a supervisor that comes back asks who we are."""
        pid = self._init.pid if self._init else 0
        return {"shim_pid": os.getpid(), "task_pid": pid, "version": VERSION}

    def shutdown(self, request: "Fields") -> "Fields":
        """Shutdown: end the shim, unless there is a container that nobody has deleted."""
        if self.empty or request["now"]:
            self.on_shutdown()
        return {}

    def _find(self, request: "Fields") -> Process:
        exec_id = request["exec_id"]
        if self._init is None:
            raise NotFound(f"container {self.id} not created")
        process = self._execs.get(exec_id) if exec_id else self._init
        if process is None:
            raise NotFound(f"process {exec_id} of container {self.id} not found")
        return process

    def _with_runtime(self) -> "Runtime":
        assert self._runtime is not None
        return self._runtime

    def _created_fields(self, request: "Fields") -> "Fields":
        names = ("stdin", "stdout", "stderr", "terminal")
        io = {name: request[name] for name in names}
        pid = self._init.pid if self._init else 0
        return {"bundle": self._bundle, "rootfs": request["rootfs"], "io": io, "pid": pid}

    def _tell_exit(self, process: Process) -> None:
        if process.quiet:
            return
        fields = {
            "id": process.exec_id or self.id,
            "pid": process.pid,
            "exit_status": process.exit_status,
            "exited_at": messages.timestamp(process.exited_ns),
        }
        self._publish("/tasks/exit", fields)

    def _tell_oom(self) -> None:
        self._publish("/tasks/oom", {})

    def _publish(self, topic: str, fields: "Fields") -> None:
        self._publisher.publish(topic, {"container_id": self.id, **fields}, time.time_ns())


_HANDLERS: "dict[str, Callable[[Task, Fields], Fields | Steps]]" = {
    "State": Task.state,
    "Create": Task.create,
    "Start": Task.start,
    "Delete": Task.delete,
    "Pids": Task.pids,
    "Pause": Task.pause,
    "Resume": Task.resume,
    "Kill": Task.kill,
    "Exec": Task.exec,
    "ResizePty": Task.resize_pty,
    "CloseIO": Task.close_io,
    "Update": Task.update,
    "Wait": Task.wait,
    "Stats": Task.stats,
    "Connect": Task.connect,
    "Shutdown": Task.shutdown,
}


def _wanted(request: "Fields") -> Wanted:
    fields = (request["stdin"], request["stdout"], request["stderr"])
    return Wanted(*fields, terminal=request["terminal"])


def _deleted(process: Process) -> "Fields":
    exited = messages.timestamp(process.exited_ns)
    ended = process.state == STOPPED or process.exited_ns
    status = process.exit_status if ended else 0
    return {"pid": process.pid, "exit_status": status, "exited_at": exited}


def _details(exec_id: str | None) -> "Fields | None":
    if exec_id is None:
        return None
    value = encode(messages.PROCESS_DETAILS, {"exec_id": exec_id})
    return {"type_url": _DETAILS_TYPE, "value": value}
