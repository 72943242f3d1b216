"""The zygote from its parent's side: start it, ask it, start it again when it dies.

    supervisor                          zygote
    {"id", "bundle", ...} + socket ──▶  fork a shim that serves on the socket
                                   ◀──  {"pid": 42} or {"error": "..."}
    {"cleanup": {...}}             ──▶  runtime delete --force
                                   ◀──  {} or {"error": "..."}

One message is one datagram of a seqpacket socket; answers come in the order of the requests.
"""

import array
import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import ExitStack

from boxship.model.errors import System, Unavailable
from boxship.supervisor import limits

log = logging.getLogger(__name__)

COMMAND = [sys.executable, "-P", "-m", "boxship", "shim", "--zygote", "--fd"]

MAX_ANSWER = 1 << 16
QUICK_DEATH_S = 2.0  # a zygote that dies sooner has something wrong with it
MAX_DELAY_S = 5.0
PAUSE_S = 0.5  # before another try to start one
END_S = 3.0
DELIVERIES = 3
WAIT_S = 5.0  # for a new one, by a request that finds none


class ZygoteGone(Unavailable):
    """The zygote died before it answered; a new one is on its way."""


class Zygote:
    """The one zygote of a supervisor, whichever process it is now."""

    def __init__(self, command: list[str] | None = None) -> None:
        """`command` starts it, less the number of its socket."""
        self._command = command or COMMAND
        self._sock: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: deque[asyncio.Future[dict[str, object]]] = deque()
        self._quick_deaths = 0
        self._restart: asyncio.TimerHandle | None = None
        self._started = 0.0
        self._closing = False
        self._alive = asyncio.Event()

    @property
    def pid(self) -> int:
        """Of the process, 0 if there is none now."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Execute it; requests may be sent at once and are read when it is ready."""
        with ExitStack() as undo:
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.enter_context(ours)
            with its:
                ours.setblocking(False)
                number = its.fileno()
                self._process = subprocess.Popen(
                    [*self._command, str(number)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(number,),
                    start_new_session=True,
                    cwd="/",
                )
            undo.pop_all()
        limits.give_back(self._process.pid)
        self._sock = ours
        self._started = time.monotonic()
        self._alive.set()
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        log.debug("zygote is process %d", self._process.pid)

    async def close(self) -> None:
        """Hang up, on which it ends; shims stay."""
        self._closing = True
        if self._restart is not None:
            self._restart.cancel()
        if self._sock is not None:
            self._hang_up(self._sock)
        if self._process is not None:
            await asyncio.to_thread(_end, self._process)

    async def send(
        self, request: dict[str, object], descriptor: int | None = None
    ) -> asyncio.Future[dict[str, object]]:
        """Hand over one request, with a file; what is returned gets the answer."""
        await self._deliver(json.dumps(request).encode(), descriptor)
        answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        return answer

    async def _deliver(self, data: bytes, descriptor: int | None) -> None:
        """A zygote that takes nothing is dead, which may not be seen yet: the next one gets it."""
        for attempt in range(1, DELIVERIES + 1):
            if self._sock is None:
                await self._wait_for_new()
            try:
                await self._send(data, descriptor)
            except ZygoteGone:
                if attempt == DELIVERIES:
                    raise
            else:
                return

    async def _wait_for_new(self) -> None:
        self._alive.clear()
        try:
            await asyncio.wait_for(self._alive.wait(), WAIT_S)
        except TimeoutError:
            raise ZygoteGone("no zygote runs", hint="the supervisor's log has the reason") from None

    async def _send(self, data: bytes, descriptor: int | None) -> None:
        rights = [] if descriptor is None else [_rights(descriptor)]
        while (sock := self._sock) is not None:
            try:
                sock.sendmsg([data], rights)
            except BlockingIOError:
                await asyncio.sleep(0.001)
            except OSError as error:
                self._hang_up(sock)
                self._died()
                raise ZygoteGone(f"the zygote does not take requests: {error.strerror}") from error
            else:
                return
        raise ZygoteGone("the zygote died before it was asked")

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(MAX_ANSWER)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up(sock)
            self._died()
        elif self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                _answer(answer, data)

    def _hang_up(self, sock: socket.socket) -> None:
        """Close the socket; whoever waits for an answer will get none."""
        if self._sock is not sock:
            return
        self._sock = None
        asyncio.get_running_loop().remove_reader(sock)
        sock.close()
        waiting, self._waiting = self._waiting, deque()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(ZygoteGone("the zygote died before it answered"))
                answer.exception()  # heard, even if nobody waits

    def _died(self) -> None:
        """Its socket ended: make sure of it, and start a new one; later if this one died soon."""
        process, self._process = self._process, None
        if self._closing or process is None:
            return
        quick = time.monotonic() - self._started < QUICK_DEATH_S
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        process.kill()
        log.warning("zygote %d ended with %d, starting a new one", process.pid, process.wait())
        self._start_later(min(0.05 * 2**self._quick_deaths, MAX_DELAY_S) if quick else 0.0)

    def _start_later(self, delay: float) -> None:
        self._restart = asyncio.get_running_loop().call_later(delay, self._start_again)

    def _start_again(self) -> None:
        """Without a zygote there is no container, so a host that is out of something is waited for.

        It may have no process, no memory or no descriptor left for now.
        """
        try:
            self.start()
        except OSError as error:
            log.warning("no zygote can be started, trying again: %s", error)
            self._start_later(PAUSE_S)


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _rights(descriptor: int) -> "tuple[int, int, array.array[int]]":
    return (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))


def _answer(future: asyncio.Future[dict[str, object]], data: bytes) -> None:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"error": f"the zygote answered {os.fsdecode(data[:80])!r}"}
    if found.get("error"):
        future.set_exception(System(str(found["error"])))
        future.exception()  # heard, even if nobody waits
    else:
        future.set_result(found)
