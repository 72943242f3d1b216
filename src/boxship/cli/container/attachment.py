"""Being attached: the terminal, the pipe, signals and sizes; for run, start -a, attach and exec."""

import signal

from boxship.api.docker.client import Refused, Request
from boxship.cli import terminal
from boxship.cli.failure import Failure
from boxship.cli.streams import DETACHED, FORWARDED, Relay, Signals
from boxship.model.errors import BoxshipError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.client import Client, Hijacked
    from boxship.api.docker.http import Json, Response
    from boxship.cli.session import Session

DETACH_NOTE = "read escape sequence"


class Attachment:
    """How this terminal is attached to one process."""

    __slots__ = ("keys", "path", "proxy", "session", "stdin", "tty")

    def __init__(self, session: "Session", path: str, *, tty: bool, stdin: bool, keys: str) -> None:
        """`path` is the object in the API: /containers/ID or /exec/ID."""
        self.session = session
        self.path = path
        self.tty = tty
        self.stdin = stdin
        self.keys = keys
        self.proxy = False

    def relay(self, pipe: "Hijacked", *, resize: bool = True) -> bool:
        """Move bytes until the end; True if the user detached."""
        mode = terminal.Raw() if self.tty and self.stdin else terminal.NotRaw()
        numbers = FORWARDED if self.proxy else ()
        if self.tty and resize:
            numbers = (*numbers, signal.SIGWINCH)
        client = self.session.client.fork()
        detacher = None
        if self.stdin and self.tty:
            sequence = terminal.keys(self.keys) if self.keys else terminal.DEFAULT_KEYS
            detacher = terminal.Detacher(sequence)
        with mode, Signals(numbers) as signals:
            if self.tty and resize:
                self.resize(client)
            relay = Relay(pipe, stdin=self.stdin, detacher=detacher)
            outcome = relay.run(signals, lambda number: self._on_signal(client, number))
        pipe.link.close()
        client.close()
        return outcome == DETACHED

    def _on_signal(self, client: "Client", number: int) -> None:
        if number == signal.SIGWINCH:
            self.resize(client)
            return
        name = signal.Signals(number).name.removeprefix("SIG")
        try:
            client.post(f"{self.path}/kill", signal=name)
        except BoxshipError:
            # It ended in the meantime: the pipe says so.
            return

    def redraw(self) -> None:
        """Make a program that draws draw again: it is told another size, later the right one."""
        size = terminal.size()
        if self.tty and size is not None:
            self._tell(self.session.client, size[0] + 1, size[1] + 1)

    def resize(self, client: "Client") -> None:
        """Tell the size of this terminal."""
        size = terminal.size()
        if size is not None:
            self._tell(client, size[0], size[1])

    def _tell(self, client: "Client", rows: int, columns: int) -> None:
        try:
            client.post(f"{self.path}/resize", h=rows, w=columns)
        except BoxshipError:
            # Not started yet, or ended: the next change of size tries again.
            return


def detach_keys(session: "Session", given: str) -> str:
    """The keys of the flag, else of the configuration."""
    keys = given or session.config.text("detachKeys")
    if keys:
        terminal.keys(keys)
    return keys


def open_pipe(
    client: "Client", container: str, streams: tuple[bool, bool, bool], keys: str
) -> "Hijacked":
    """Attach to a container's main process."""
    stdin, stdout, stderr = streams
    query: Json = {
        "stream": True,
        "stdin": stdin,
        "stdout": stdout,
        "stderr": stderr,
        "detachKeys": keys or None,
    }
    return client.hijack(f"/containers/{container}/attach", Request(query=query))


class Ending:
    """The exit of a container, asked for before it is started so that it cannot be missed."""

    __slots__ = ("_client", "_response")

    def __init__(self, session: "Session", container: str, condition: str) -> None:
        """`condition` is next-exit, not-running or removed."""
        self._client = session.client.fork()
        self._response: Response = self._client.open(
            "POST", f"/containers/{container}/wait", Request(query={"condition": condition})
        )

    def code(self) -> int:
        """Wait for it."""
        try:
            answer = self._response.json()
        finally:
            self._response.close()
        failure = (answer.get("Error") or {}).get("Message")
        if failure:
            raise Failure(f"Error waiting for container: {failure}", 125)
        return int(answer["StatusCode"])

    def give_up(self) -> None:
        """Do not wait."""
        self._response.close()


def start_exit_code(message: str) -> int:
    """The exit code of `run` for a container that could not be started."""
    text = message.lower()
    if any(sign in text for sign in ("executable file not found", "no such file or directory")):
        return 127
    if "system cannot find the file specified" in text:
        return 127
    if any(sign in text for sign in ("permission denied", "is a directory", "exec format error")):
        return 126
    return 125


def refused(error: BoxshipError) -> bool:
    """Whether the engine itself said no."""
    return isinstance(error, Refused)
