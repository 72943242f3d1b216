"""A rehearsal before the first fork: what a shim does first, done some times without effect.

CPython adapts the code that it runs and fills its caches as it goes.  What the zygote has adapted
is shared; what each shim adapts is memory of its own, and time: a third of its first answers.
"""

import json
import os
import socket

from boxship.shim import messages
from boxship.shim.events import Publisher
from boxship.shim.loop import Loop
from boxship.shim.process import Process
from boxship.shim.server import Server
from boxship.shim.stdio import Stdio
from boxship.shim.task import Task
from boxship.shim.wanted import Wanted
from boxship.wire import ttrpc
from boxship.wire.protobuf import encode

# Code is adapted after eight calls.
_TIMES = 10
_STDIO = "boxship-io:///dev/null?driver=json-file&max-file=2&stdin=1"


def rehearse() -> None:
    """Leaves nothing open."""
    for _ in range(_TIMES):
        loop = Loop()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _serve(loop, listener)
            _copy(loop)
        finally:
            loop.close()
            listener.close()


def _serve(loop: Loop, listener: socket.socket) -> None:
    publisher = Publisher(loop, "", "rehearsal")
    server = Server(loop, listener, Task(loop, "rehearsal", "rehearsal", publisher), publisher)
    decoder = ttrpc.Decoder()
    for method in ("Connect", "State", "Kill", "Wait", "Start", "Delete", "ResizePty"):
        payload = encode(messages.REQUESTS[method], {"id": "rehearsal"})
        call = ttrpc.encode_request(1, (messages.TASK_SERVICE, method), payload)
        for request in decoder.feed(call):
            if isinstance(request, ttrpc.Request):
                server.call(request, _forget)
    publisher.publish("/tasks/start", {"container_id": "rehearsal", "pid": 1}, 1)
    json.loads(json.dumps({"pid": os.getpid()}))


def _copy(loop: Loop) -> None:
    process = Process("", Stdio(loop, Wanted("", _STDIO, "", terminal=False)))
    stdio = process.stdio
    stdio.prepare()
    _, out, err = stdio.hand_over()
    for fd in (out, err):
        os.write(fd, b"a line\nand half a ")
    stdio.take_back()
    process.move("create")
    stdio.start()
    stdio.resume()
    process.ended(0, 1, lambda: None)
    stdio.retire()


def _forget(_message: bytes) -> None:
    """Nobody hears the answer."""
