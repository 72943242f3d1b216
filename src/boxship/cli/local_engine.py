"""The engine of this host: started by the first command of root that needs it."""

import os
import sys
import time

from boxship.api.docker.endpoint import Endpoint
from boxship.cli.failure import Failure
from boxship.model.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

PATIENCE_S = 30.0
PATIENCE_FOR_OTHERS_S = 3.0
PAUSE_S = 0.02
LOG = "/var/log/boxship.log"


class LocalEndpoint(Endpoint):
    """The default socket; where nobody listens and root asks, a daemon is started."""

    __slots__ = ("started",)

    def __init__(self, text: str) -> None:
        """Nothing is started before the first connection."""
        super().__init__(text)
        self.started = False

    def connect(self) -> "socket":
        """A connected socket, perhaps of a daemon that has just been started."""
        try:
            return super().connect()
        except Unavailable:
            if self.started or os.geteuid() != 0:
                raise
        self.started = True
        sys.stderr.write(f"boxship: no engine runs here: starting one (log: {LOG})\n")
        sys.stderr.flush()
        return self._first_connection(_start())

    def _first_connection(self, pid: int) -> "socket":
        deadline = time.monotonic() + PATIENCE_S
        problem = f"the engine did not answer within {PATIENCE_S:.0f} seconds"
        running = True
        while time.monotonic() < deadline:
            try:
                return super().connect()
            except Unavailable:
                time.sleep(PAUSE_S)
            ended, status = os.waitpid(pid, os.WNOHANG) if running else (0, 0)
            if ended:
                # Another command may have started one at the same moment: wait for that a little.
                running = False
                problem = f"the engine ended with code {os.waitstatus_to_exitcode(status)}"
                deadline = min(deadline, time.monotonic() + PATIENCE_FOR_OTHERS_S)
        raise Failure(_report(problem))


def _start() -> int:
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "boxship", "daemon"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nothing, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)
        os.close(nothing)


def _report(what: str) -> str:
    try:
        with open(LOG, encoding="utf-8", errors="replace") as file:
            tail = file.readlines()[-5:]
    except OSError:
        tail = []
    return "".join((f"{what}; the end of {LOG}:\n", *tail)).rstrip("\n")
