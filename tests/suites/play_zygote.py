"""A zygote that plays: its shims speak ttrpc and make nothing.  Run as a program, with a socket.

A bundle's config.json tells the shim how to behave: {"die_at": "Create"} and so on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

from boxship.api.shim import task_pb2 as task
from boxship.wire import ttrpc

PID = 4_000_000  # of init processes; above every real one
CREATED, RUNNING, STOPPED = 1, 2, 3


class PlayShim:
    """Answers the calls of one supervisor after another; knows one task."""

    def __init__(self, bundle: str) -> None:
        with open(f"{bundle}/config.json", encoding="utf-8") as file:
            self.wishes = json.load(file)
        self.status = 0
        self.waiting: list[int] = []

    def answer(self, request: ttrpc.Request) -> list[bytes]:
        """What is sent back for one call, and what others waited for."""
        if self.wishes.get("die_at") == request.method:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.wishes.get("fail_at") == request.method:
            return [ttrpc.encode_error(request.stream, ttrpc.UNKNOWN, "as it was told to")]
        return getattr(self, f"on_{request.method.lower()}")(request)  # type: ignore[no-any-return]

    def reply(self, request: ttrpc.Request, message: object = None) -> list[bytes]:
        payload = b"" if message is None else message.SerializeToString()  # type: ignore[attr-defined]
        return [ttrpc.encode_response(request.stream, payload)]

    def on_create(self, request: ttrpc.Request) -> list[bytes]:
        self.status = CREATED
        return self.reply(request, task.CreateTaskResponse(pid=PID))

    def on_start(self, request: ttrpc.Request) -> list[bytes]:
        self.status = RUNNING
        return self.reply(request, task.StartResponse(pid=PID))

    def on_state(self, request: ttrpc.Request) -> list[bytes]:
        if not self.status:
            return [ttrpc.encode_error(request.stream, ttrpc.NOT_FOUND, "no task: not found")]
        return self.reply(request, task.StateResponse(pid=PID, status=self.status))  # type: ignore[arg-type]

    def on_kill(self, request: ttrpc.Request) -> list[bytes]:
        self.status = STOPPED
        waiting, self.waiting = self.waiting, []
        ended = task.WaitResponse(exit_status=137).SerializeToString()
        return [*(ttrpc.encode_response(one, ended) for one in waiting), *self.reply(request)]

    def on_wait(self, request: ttrpc.Request) -> list[bytes]:
        if self.status == STOPPED:
            return self.reply(request, task.WaitResponse(exit_status=137))
        self.waiting.append(request.stream)
        return []

    def on_pids(self, request: ttrpc.Request) -> list[bytes]:
        return self.reply(request, task.PidsResponse())

    def on_delete(self, request: ttrpc.Request) -> list[bytes]:
        self.status = 0
        return self.reply(request, task.DeleteResponse(pid=PID, exit_status=137))

    def on_shutdown(self, request: ttrpc.Request) -> list[bytes]:
        if self.status:
            return self.reply(request)
        os._exit(0)


def serve(listener: socket.socket, bundle: str) -> None:
    """One connection after the other, until Shutdown."""
    os.chdir(bundle)
    shim = PlayShim(bundle)
    while True:
        peer, _ = listener.accept()
        decoder = ttrpc.Decoder()
        while data := peer.recv(65536):
            for request in decoder.feed(data):
                assert isinstance(request, ttrpc.Request)
                for answer in shim.answer(request):
                    peer.sendall(answer)


def main() -> None:
    """Fork a shim per request; note every clean-up in the bundle."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, fds, _, _ = socket.recv_fds(control, 65536, 1)
        if not data:
            return
        request = json.loads(data)
        answer: dict[str, object] = {}
        if "cleanup" not in request:
            flag = f"{os.path.dirname(os.path.dirname(request['bundle']))}/die-once"
            if os.path.exists(flag):
                os.unlink(flag)
                os.kill(os.getpid(), signal.SIGKILL)
            answer["pid"] = os.fork()
            if not answer["pid"]:
                os.setsid()
                control.close()
                serve(socket.socket(fileno=fds[0]), request["bundle"])
        for fd in fds:
            os.close(fd)
        control.send(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
