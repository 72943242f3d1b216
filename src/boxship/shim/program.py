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
    (r"executable file `/.*` not found", 'exec: "{0}": stat {0}: no such file or directory'),
    (r"executable file `.*` not found", 'exec: "{0}": executable file not found in $PATH'),
    (r"open executable: No such file", 'exec: "{0}": stat {0}: no such file or directory'),
    (r"open executable: (Permission|Operation)", 'exec: "{0}": permission denied'),
)

# crun refuses a v1 host that has controllers in a v2 hierarchy, too; so it does not see that one.
_UNIFIED = "/sys/fs/cgroup/unified"


def _refuses_hybrid(binary: str) -> bool:
    if not os.path.basename(binary).startswith("crun"):
        return False
    try:
        with open(f"{_UNIFIED}/cgroup.controllers", "rb") as controllers:
            return bool(controllers.read().strip())
    except OSError:
        return False


class Program:
    """One container, by a program."""

    def __init__(
        self, loop: Loop, place: Place, binary: str, *, systemd_cgroup: bool = False
    ) -> None:
        """`binary` is a path, or a name to be found in $PATH."""
        self._loop = loop
        self._place = place
        self._binary = binary
        self._hidden = _UNIFIED if _refuses_hybrid(binary) else ""
        self._runs = 0
        self._options = ["--root", place.root, "--log-format", "json"]
        if systemd_cgroup:
            self._options.append("--systemd-cgroup")

    def create(self, bundle: str, stdio: "Stdio") -> "Steps":
        """`create --bundle`."""
        with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
            process = json.load(file).get("process") or {}
        birth = _Birth("init", _program_of(process), ["create", "--bundle", bundle])
        return (yield from self._birth(stdio, birth))

    def execute(self, name: str, process: "dict[str, Any]", stdio: "Stdio") -> "Steps":
        """`exec --detach --process`."""
        path = os.path.join(self._place.bundle, f"{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(process, file)
        try:
            command = ["exec", "--detach", "--process", path]
            return (yield from self._birth(stdio, _Birth(name, _program_of(process), command)))
        finally:
            os.unlink(path)

    def _birth(self, stdio: "Stdio", birth: "_Birth") -> "Steps":
        pid_file = os.path.join(self._place.bundle, f"{birth.name}.pid")
        arguments = [*birth.command, "--pid-file", pid_file]
        wants_terminal = stdio.wanted.terminal
        console = _ConsoleSocket(self._place.bundle, birth.name) if wants_terminal else None
        if console:
            arguments += ["--console-socket", console.path]
        try:
            yield from self._run(arguments, stdio=stdio.hand_over(), program=birth.program)
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
        yield from self._run(["kill", "--all"], last=(str(number),))

    def delete(self, *, ended: bool) -> "Steps":
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
        *,
        stdio: tuple[int, int, int] | None = None,
        last: "Sequence[str]" = (),
        program: str = "",
    ) -> "Steps":
        self._runs += 1
        log = os.path.join(self._place.bundle, f"log-{self._runs}.json")
        argv = [self._binary, *self._options, "--log", log, *arguments, self._place.id, *last]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            fds = stdio or (null, null, null)
            status = yield jobs.program(self._loop, argv, fds, self._hidden)
            said = _last_error(log) if status else ""
        finally:
            os.close(null)
            _remove(log)
        if status:
            raise System(in_runcs_words(said, program) or f"{self._binary} {arguments[0]} failed")


class _Birth:
    """How to make a process: a name for its files, its program, the runtime's command."""

    __slots__ = ("command", "name", "program")

    def __init__(self, name: str, program: str, command: "Sequence[str]") -> None:
        self.name = name
        self.program = program
        self.command = command


def _last_error(log: str) -> str:
    try:
        with open(log, "rb") as file:
            lines = file.read(_MOST_OF_LOG).splitlines()
    except FileNotFoundError:
        return ""
    for line in reversed(lines):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record.get("level") == "error":
            return str(record["msg"])
    return ""


def in_runcs_words(message: str, name: str) -> str:
    """The message with the markers that the daemon knows, about the program `name`."""
    for pattern, words in _IN_RUNCS_WORDS:
        if re.match(pattern, message):
            return words.format(name)
    return message


def _program_of(process: "dict[str, Any]") -> str:
    arguments = process.get("args") or [""]
    return str(arguments[0])


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
