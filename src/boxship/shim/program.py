"""Any other OCI runtime, runc or crun, by its command line."""

import contextlib
import json
import os
import re
import socket

from boxship.model.errors import System
from boxship.shim import jobs
from boxship.shim.loop import Loop
from boxship.shim.runtimes import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from boxship.shim.loop import Steps
    from boxship.shim.stdio import Stdio

_MOST_OF_LOG = 64 * 1024

# crun's words for a program that cannot be started -> runc's, by which Docker tells 126 from 127.
_IN_RUNCS_WORDS = (
    (
        r"executable file `(.*)` not found in \$PATH.*",
        r'exec: "\1": executable file not found in $PATH',
    ),
    (
        r"(?:open|stat) executable `(.*)`: No such file.*",
        r'exec: "\1": stat \1: no such file or directory',
    ),
    (
        r"(?:open|stat|exec) executable `?(.*?)`?: Permission denied.*",
        r'exec: "\1": permission denied',
    ),
)


class Program:
    """One container, by a program."""

    def __init__(
        self, loop: Loop, place: Place, binary: str, *, systemd_cgroup: bool = False
    ) -> None:
        """`binary` is a path, or a name to be found in $PATH."""
        self._loop = loop
        self._place = place
        self._binary = binary
        self._log = os.path.join(place.bundle, "log.json")
        self._options = ["--root", place.root, "--log", self._log, "--log-format", "json"]
        if systemd_cgroup:
            self._options.append("--systemd-cgroup")

    def create(self, bundle: str, stdio: "Stdio") -> "Steps":
        """`create --bundle`."""
        return (yield from self._birth(stdio, "init", ["create", "--bundle", bundle]))

    def execute(self, name: str, process: "dict[str, Any]", stdio: "Stdio") -> "Steps":
        """`exec --detach --process`."""
        path = os.path.join(self._place.bundle, f"{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(process, file)
        try:
            return (yield from self._birth(stdio, name, ["exec", "--detach", "--process", path]))
        finally:
            os.unlink(path)

    def _birth(self, stdio: "Stdio", name: str, command: "Sequence[str]") -> "Steps":
        pid_file = os.path.join(self._place.bundle, f"{name}.pid")
        arguments = [*command, "--pid-file", pid_file]
        console = _ConsoleSocket(self._place.bundle, name) if stdio.wanted.terminal else None
        if console:
            arguments += ["--console-socket", console.path]
        try:
            yield from self._run(arguments, stdio.hand_over())
            if console:
                console.connect(stdio)
        finally:
            stdio.take_back()
            if console:
                console.close()
        with open(pid_file, encoding="ascii") as file:
            return int(file.read())

    def start(self) -> "Steps":
        """`start`."""
        yield from self._run(["start"])

    def kill_all(self, number: int) -> "Steps":
        """`kill --all`."""
        yield from self._run(["kill", "--all"], last=[str(number)])

    def delete(self) -> "Steps":
        """`delete --force`."""
        yield from self._run(["delete", "--force"])

    def pause(self) -> "Steps":
        """`pause`."""
        yield from self._run(["pause"])

    def resume(self) -> "Steps":
        """`resume`."""
        yield from self._run(["resume"])

    def update(self, resources: "dict[str, Any]") -> "Steps":
        """`update --resources`."""
        path = os.path.join(self._place.bundle, "resources.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(resources, file)
        try:
            yield from self._run(["update", "--resources", path])
        finally:
            os.unlink(path)

    def _run(
        self,
        arguments: "Sequence[str]",
        stdio: tuple[int, int, int] | None = None,
        last: "Sequence[str]" = (),
    ) -> "Steps":
        _remove(self._log)
        argv = [self._binary, *self._options, *arguments, self._place.id, *last]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            status = yield jobs.program(self._loop, argv, stdio or (null, null, null), os.environ)
        finally:
            os.close(null)
        if status:
            raise System(self._what_it_said() or f"{self._binary} {arguments[0]} failed")

    def _what_it_said(self) -> str:
        """The last error of the log that the program wrote."""
        try:
            with open(self._log, "rb") as file:
                lines = file.read(_MOST_OF_LOG).splitlines()
        except FileNotFoundError:
            return ""
        for line in reversed(lines):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("level") == "error":
                return in_runcs_words(record["msg"])
        return ""


def in_runcs_words(message: str) -> str:
    """The message with the markers that the daemon knows."""
    for pattern, words in _IN_RUNCS_WORDS:
        if re.search(pattern, message):
            return re.sub(pattern, words, message)
    return message


class _ConsoleSocket:
    """Where the program sends the terminal to."""

    def __init__(self, directory: str, name: str) -> None:
        # The path of a socket has 107 bytes; through our descriptor of the directory it is short.
        self._directory = os.open(directory, os.O_PATH | os.O_CLOEXEC)
        self.path = f"/proc/{os.getpid()}/fd/{self._directory}/{name}.pty"
        _remove(self.path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._listener.bind(self.path)
        self._listener.listen(1)

    def connect(self, stdio: "Stdio") -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError as error:
            raise System("the OCI runtime sent no terminal") from error
        with connection:
            stdio.connect_terminal(connection)

    def close(self) -> None:
        self._listener.close()
        _remove(self.path)
        os.close(self._directory)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
