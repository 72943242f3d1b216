"""A rehearsal before the first fork: the whole life of a container, without a container.

CPython adapts the code that it runs, and fills caches as it goes.  What the zygote has adapted is
shared by its shims; what each shim adapts is memory of its own, a fifth of it, and time.
"""

import contextlib
import os
import signal
import socket

from boxship.kernel.mounts import fsconfig_create, fsmount, fsopen
from boxship.runtime.handshake import CLAIMED, READY
from boxship.shim import jobs, messages
from boxship.shim.choice import note_runtime
from boxship.shim.dress import plan
from boxship.shim.events import Publisher
from boxship.shim.library import Library
from boxship.shim.loop import Loop
from boxship.shim.runtimes import Place
from boxship.shim.server import Server
from boxship.shim.task import Task
from boxship.wire import ttrpc
from boxship.wire.protobuf import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.shim.loop import Steps
    from boxship.shim.stdio import Stdio

# Code is adapted after eight calls.
_TIMES = 9
_PATIENCE_SECONDS = 1.0
_ACTOR_SECONDS = 2
_CALLS = ("Connect", "Create", "State", "Wait", "Start", "Pids", "Kill", "ResizePty", "Delete")


def rehearse() -> None:
    """On a file system of its own that is mounted nowhere: it goes with its last descriptor."""
    place = _nowhere()
    try:
        for _ in range(_TIMES):
            _Stage(f"/proc/self/fd/{place}").play()
        # Apart, so that what a shim writes to and what only an init does are not on one page.
        for _ in range(_TIMES):
            plan(f"/proc/self/fd/{place}")
    finally:
        os.close(place)


def _nowhere() -> int:
    tmpfs = fsopen("tmpfs")
    try:
        fsconfig_create(tmpfs)
        return fsmount(tmpfs)
    finally:
        os.close(tmpfs)


class _Runtime(Library):
    """Makes a process that only says a line, of the rehearsing process itself."""

    def create(self, bundle: str, stdio: "Stdio") -> "Steps":
        yield jobs.forked(self._loop, lambda: 0)
        fds = stdio.hand_over()
        fifo = os.path.join(self._root, "exec.fifo")
        os.mkfifo(fifo)
        born = yield jobs.born(self._loop, 0, lambda fd: _act(fd, fds[1], fifo), fds)
        self._pid = yield from self._checked(*born)
        stdio.take_back()
        return self._pid

    def delete(self, *, ended: bool) -> "Steps":
        yield jobs.forked(self._loop, lambda: ended)


def _act(writing: int, out: int, fifo: str) -> None:
    try:
        signal.alarm(_ACTOR_SECONDS)  # If nobody releases it.
        os.write(writing, CLAIMED + READY)
        with open(fifo, "wb", buffering=0) as released:
            released.write(b"0")
        os.write(out, b"a line\n")
    finally:
        os._exit(0)


class _Stage:
    """A shim in this process, and the client that calls it."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._loop = Loop()
        self._listener = _listener(f"{directory}/shim.sock")
        self._events = _listener(f"{directory}/events")
        publisher = self._publisher = Publisher(self._loop, f"{directory}/events", "rehearsal")
        task = Task(self._loop, "rehearsal", "rehearsal", publisher)
        task.make_runtime = self._make_runtime
        self._server = Server(self._loop, self._listener, task, publisher)
        self._client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._decoder = ttrpc.Decoder()
        self._calls = list(_CALLS)
        self._stream = -1
        self._unanswered = 0

    def play(self) -> None:
        self._client.connect(f"{self._directory}/shim.sock")
        self._client.setblocking(False)
        self._loop.add(self._client.fileno(), self._on_answer)
        self._loop.later(_PATIENCE_SECONDS, self._loop.stop)
        self._next()
        self._loop.run()
        for end in (self._server, self._publisher, self._client, self._listener, self._events):
            end.close()
        self._loop.close()
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()

    def _make_runtime(self, loop: Loop, *_: object) -> _Runtime:
        place = Place("", self._directory, self._directory)
        note_runtime(place, "")
        return _Runtime(loop, place)

    def _on_answer(self, _events: int) -> None:
        self._unanswered -= len(self._decoder.feed(self._client.recv(1 << 16)))
        if not self._unanswered:
            self._next()

    def _next(self) -> None:
        if not self._calls:
            self._loop.stop()
            return
        method = self._calls.pop(0)
        self._send(method)
        if method == "Wait":
            # Answered at the end, and that comes only after Start.
            self._send(self._calls.pop(0))

    def _send(self, method: str) -> None:
        self._stream += 2
        self._unanswered += 1
        stdio = f"boxship-io://{self._directory}/log?attach={self._directory}/a&stdin=1"
        create = {"bundle": self._directory, "stdout": stdio} if method == "Create" else {}
        payload = encode(messages.REQUESTS[method], {"id": "rehearsal", **create})
        call = (messages.TASK_SERVICE, method)
        self._client.send(ttrpc.encode_request(self._stream, call, payload))


def _listener(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen()
    return listener
