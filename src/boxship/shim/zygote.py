"""The zygote: everything imported, one thread; forks a shim whenever the supervisor asks.

supervisor                                        zygote
{"namespace","id","bundle","events"} + socket ─▶  fork
                                              ◀─  {"pid": N}  or  {"error": "..."}
{"cleanup": {"id","bundle","namespace"}}      ─▶  fork: the runtime deletes what is left
                                              ◀─  {}          or  {"error": "..."}
(end of file: the supervisor is gone)         ─▶  exit
"""

import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module

from boxship.kernel import prctl
from boxship.model.errors import BoxshipError
from boxship.shim import cleanup, jobs, server
from boxship.shim.library import LIBRARY_MODULES
from boxship.shim.rehearsal import rehearse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_REQUEST = 64 * 1024
_TITLE_ID = 12


def serve(fd: int) -> int:
    """Fork until the other end is closed."""
    control = socket.socket(fileno=fd)
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all()
    prctl.keep_heap_small()
    rehearse()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        message, fds, _, _ = socket.recv_fds(control, _LONGEST_REQUEST, 1)
        if not message:
            return 0
        try:
            answer = _answer(control, json.loads(message), fds)
        except (OSError, ValueError, LookupError, BoxshipError) as error:
            answer = {"error": f"the zygote cannot do this: {error}"}
        for received in fds:
            os.close(received)
        control.send(json.dumps(answer).encode())


def _import_all() -> None:
    import_module("boxship.shim.program")
    for name in LIBRARY_MODULES:
        try:
            import_module(f"boxship.runtime.{name}")
        except ImportError as error:
            print(f"boxship zygote: {error}", file=sys.stderr)  # noqa: T201 - its only log


def _answer(control: socket.socket, request: "dict[str, Any]", fds: list[int]) -> "dict[str, Any]":
    if "cleanup" in request:
        _clean_up(request["cleanup"])
        return {}
    pid = os.fork()
    if not pid:
        _become_shim(control, request, fds[0])
    return {"pid": pid}


def _clean_up(what: "dict[str, Any]") -> None:
    read, write = os.pipe2(os.O_CLOEXEC)
    if not os.fork():
        jobs.run_in_child(lambda: cleanup.clean_up(what), write, {0, 1, 2, write})
    os.close(write)
    with open(read, "rb", buffering=0) as answer:
        jobs.value_of(answer.readall())


def _become_shim(control: socket.socket, request: "dict[str, Any]", listener_fd: int) -> None:
    """Never returns."""
    status = 1
    try:
        os.setsid()
        control.close()
        prctl.become_subreaper()
        prctl.set_title(f"boxship-shim {request['id'][:_TITLE_ID]}")
        _own_stdio(request["bundle"])
        listener = socket.socket(fileno=os.dup(listener_fd))
        prctl.close_all_but({0, 1, 2, listener.fileno()})
        server.serve(listener, request)
        status = 0
    except BaseException:  # noqa: BLE001 - the last words of a shim
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _own_stdio(bundle: str) -> None:
    # Not the supervisor's: its pipes end with it.
    os.chdir(bundle)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    log = os.open("shim.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for fd, target in ((null, 0), (null, 1), (log, 2)):
        os.dup2(fd, target)
