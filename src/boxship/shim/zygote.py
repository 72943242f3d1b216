"""The zygote: everything imported, one thread; forks a shim whenever the supervisor asks.

supervisor                                        zygote
{"namespace","id","bundle","events"} + socket ─▶  fork
                                              ◀─  {"pid": N}  or  {"error": "..."}
{"cleanup": {"id","bundle","namespace"}}      ─▶  fork: the runtime deletes what is left
                                              ◀─  {}          or  {"error": "..."}
(end of file: the supervisor is gone)         ─▶  exit
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from importlib import import_module

from boxship.kernel import prctl
from boxship.kernel.process import close_all_but
from boxship.model.errors import BoxshipError
from boxship.shim import cleanup, server
from boxship.shim.rehearsal import rehearse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_REQUEST = 64 * 1024
_TITLE_ID = 12
_ONE_DESCRIPTOR = socket.CMSG_SPACE(4)
_ANSWERED = b"k"
_GONE = -1
_QUIET_SECONDS = 0.03

# CPython's pymalloc.  Were they other numbers, some memory would be lost and nothing else.
_POOL_SIZE, _POOL_HEADER = 16 * 1024, 48
_MOST_HOLES = 20_000


def serve(fd: int) -> int:
    """Fork until the other end is closed."""
    control = socket.socket(fileno=fd)
    control.set_inheritable(False)
    _prepare()
    gc.collect()
    gc.freeze()
    filled = _fill_holes()
    spare: _Spare | None = None
    # Whatever the zygote changes between two forks, the shim before keeps a copy of: do little.
    while True:
        if spare is None and not select.select([control], [], [], _QUIET_SECONDS)[0]:
            spare = _Spare(control)
        message, ancillary = _next(control)
        if not message:
            filled.clear()
            return 0
        answer = spare.take(message, ancillary) if spare else _GONE
        spare = None
        if answer == _GONE:
            answer = _fork(control, message, ancillary)
        if ancillary:
            os.close(_descriptor(ancillary))
        if os.read(answer, 1) != _ANSWERED:
            control.send(b'{"error": "the process that the zygote has forked died at once"}')
        os.close(answer)


def _fork(control: socket.socket, message: bytes, ancillary: "list[tuple[int, int, bytes]]") -> int:
    """A child for this request; where it will say that it has answered."""
    read, write = os.pipe2(os.O_CLOEXEC)
    if not os.fork():
        _become_child(control, message, ancillary, write)
    os.close(write)
    return read


class _Spare:
    """A child that is forked before it is asked for: its request finds it ready.

    It goes with the zygote, whose end of their socket it watches.  One is made when the zygote has
    been quiet for a moment, so that it takes no time from a container that is being made.
    """

    def __init__(self, control: socket.socket) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._answer, write = os.pipe2(os.O_CLOEXEC)
        if not os.fork():
            self._socket.close()
            os.close(self._answer)
            _wait_for_request(control, theirs, write)
        theirs.close()
        os.close(write)

    def take(self, message: bytes, ancillary: "list[tuple[int, int, bytes]]") -> int:
        """As `_fork`; _GONE when it is dead."""
        try:
            self._socket.sendmsg([message], ancillary)
        except OSError:
            os.close(self._answer)
            self._answer = _GONE
        self._socket.close()
        return self._answer


def _wait_for_request(control: socket.socket, theirs: socket.socket, write: int) -> None:
    """The life of a spare, which never returns."""
    try:
        prctl.set_title("boxship-spare")
        message, ancillary = _next(theirs)
        if message:
            theirs.close()
            _become_child(control, message, ancillary, write)
    finally:
        os._exit(0)


def _next(control: socket.socket) -> "tuple[bytes, list[tuple[int, int, bytes]]]":
    try:
        message, ancillary, _, _ = control.recvmsg(_LONGEST_REQUEST, _ONE_DESCRIPTOR)
    except ConnectionError:
        return b"", []
    return message, ancillary


def _prepare() -> None:
    """Import, adapt, and set what every shim would set."""
    # Last, and not between what every shim uses.
    for name in ("program", "metrics"):
        import_module(f"boxship.shim.{name}")
    prctl.keep_heap_small()
    with contextlib.suppress(OSError, BoxshipError):
        rehearse()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _outlive)


def _outlive(_number: int, _frame: object) -> None:
    """A shim ends with its container, or by SIGKILL; a handler, so that exec makes it default."""


def _fill_holes() -> "list[object]":
    """Objects that use up the free places between those of the zygote.

    Each shim would put its own objects there, and get a copy of each page for a few bytes.  The
    first place of a pool that is empty shows that there is no place left in the others.
    """
    filled: list[object] = []
    for size in range(16, 513, 16):
        for number in range(_MOST_HOLES):
            filled.append(_object_of(size, number))
            if id(filled[-1]) % _POOL_SIZE == _POOL_HEADER:
                break
    return filled


def _object_of(size: int, number: int) -> object:
    if size == 16:
        return object()
    return (1 << 29) + number if size == 32 else bytes(size - 40)


def _become_child(
    control: socket.socket, message: bytes, ancillary: "list[tuple[int, int, bytes]]", write: int
) -> None:
    """Never returns: a shim until its container has ended, or a clean-up that answers."""
    status = 1
    try:
        request = json.loads(message)
        if "cleanup" in request:
            _clean_up(control, request["cleanup"], write)
        else:
            _become_shim(control, request, _descriptor(ancillary), write)
        status = 0
    except BaseException:  # noqa: BLE001 - the last words of a shim
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _descriptor(ancillary: "list[tuple[int, int, bytes]]") -> int:
    return int.from_bytes(ancillary[0][2][:4], sys.byteorder)


def _clean_up(control: socket.socket, what: "dict[str, Any]", write: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer = {}
    try:
        cleanup.clean_up(what)
    except (OSError, ValueError, LookupError, BoxshipError) as error:
        answer = {"error": f"clean up after {what.get('id')}: {error}"}
    control.send(json.dumps(answer).encode())
    os.write(write, _ANSWERED)


def _become_shim(
    control: socket.socket, request: "dict[str, Any]", listener_fd: int, write: int
) -> None:
    os.setsid()
    prctl.become_subreaper()
    prctl.set_title(f"boxship-shim {request['id'][:_TITLE_ID]}")
    _own_stdio(request["bundle"])
    control.send(b'{"pid": %d}' % os.getpid())
    os.write(write, _ANSWERED)
    close_all_but({0, 1, 2, listener_fd}, 0)
    control.detach()
    server.serve(socket.socket(fileno=listener_fd), request)


def _own_stdio(bundle: str) -> None:
    # Not the supervisor's: its pipes end with it.
    os.chdir(bundle)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    log = os.open("shim.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for fd, target in ((null, 0), (null, 1), (log, 2)):
        os.dup2(fd, target)
