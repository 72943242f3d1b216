"""An engine to be killed: `Daemon` of engine_world, its other processes, its client, its census.

Processes are found by what is theirs alone: the pid file, and the folder in their command lines.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suites import census
from suites.cli_world import OURS, busybox_archive
from suites.engine_world import PATIENCE_S, Daemon, fresh_config, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

IMAGE = "busybox:world"


class Engine(Daemon):
    """One engine, as processes, and what can befall it."""

    def __init__(self, *flags: str) -> None:
        super().__init__(fresh_config())
        self.folder = Path(root_of(self.config))
        self.flags = flags
        self.census = census.Census(self.folder, self.config.instance)

    # -- its processes ---------------------------------------------------------------------------

    def start(self, *flags: str) -> None:
        """Start it; what it starts can be told by its environment."""
        os.environ[census.MARK] = str(self.folder)
        try:
            super().start(*self.flags, *flags)
        except HTTPException as broken:
            raise AssertionError(f"{broken}\n{self.log()}") from broken
        finally:
            del os.environ[census.MARK]

    def strike(self, *names: str) -> None:
        """Kill -9 some of `daemon`, `supervisor`, `zygote`, one right after the other."""
        for pid in [getattr(self, name) for name in names]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if "daemon" in names:
            self.kill()  # waits for it
            self._process = None

    def recover(self) -> None:
        """Have a daemon again, if it was killed, and a supervisor."""
        if self._process is None:
            self.start()
        else:
            until(self.answers, self.log)

    def answers(self) -> bool:
        """Whether containers can be asked for what only the supervisor knows."""
        return bool(self.supervisors())

    @property
    def daemon(self) -> int:
        """The daemon's pid."""
        return self.pid

    @property
    def supervisor(self) -> int:
        """The supervisor's pid; waits for it, since it is started again when it was killed."""
        return until(lambda: next(iter(self.supervisors()), 0), lambda: f"none\n{self.log()}")

    def supervisors(self) -> list[int]:
        """All of this engine that run: one, or none."""
        state = f"{self.config.exec_root}/containerd/state"
        found = ((pid, census.command(pid)) for pid in census.pids())
        return [pid for pid, words in found if "supervisor" in words and state in words]

    @property
    def zygote(self) -> int:
        """The zygote's pid."""
        return until(self._zygote, lambda: f"no zygote\n{self.log()}")

    def _zygote(self) -> int:
        supervisor = self.supervisor
        with suppress(OSError):
            text = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
            for word in text.split():
                if any("shim.zygote" in part for part in census.command(int(word))):
                    return int(word)
        return 0

    def shim(self, name: str) -> int:
        """The pid of a container's shim: the parent of its init."""
        return census.parent(int(self.inspect(name)["State"]["Pid"]))

    # -- its clients -----------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """For a client that shall talk to it."""
        kept = {k: v for k, v in os.environ.items() if k not in ("DOCKER_CONTEXT", "BOXSHIP_HOST")}
        return {**kept, "DOCKER_HOST": self.config.hosts[0], "DOCKER_CONFIG": "/nonexistent"}

    def type(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Our client: exit code, output, errors."""
        done = subprocess.run(
            [OURS, *words],
            input=stdin,
            capture_output=True,
            env=self.environment(),
            timeout=2 * PATIENCE_S,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def do(self, *words: str, stdin: bytes = b"") -> str:
        """Our client, which must succeed; its output."""
        code, out, problem = self.type(*words, stdin=stdin)
        assert code == 0, f"boxship {' '.join(words)}: {problem}\n{self.log()[-4000:]}"
        return out.strip()

    @contextmanager
    def client(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Our client, running beside the test; ended with the block."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [OURS, *words], stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment()
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                assert stream is not None
                stream.close()

    def names(self) -> list[str]:
        """All containers."""
        status, found = self.ask("GET", "/containers/json?all=1")
        assert status == 200, found
        return sorted(c["Names"][0].removeprefix("/") for c in found)

    def import_image(self) -> None:
        """The image of all these tests: busybox under all its names."""
        self.do("import", "-c", 'CMD ["sh"]', "-", IMAGE, stdin=busybox_archive())

    def until_status(self, name: str, *wanted: str) -> dict[str, Any]:
        """Wait until a container is in one of these states; how it stands."""
        seen: dict[str, Any] = {}

        def stands() -> bool:
            seen.update(self.inspect(name)["State"])
            return seen["Status"] in wanted

        until(stands, lambda: f"{name} is {seen}, not {wanted}\n{self.log()[-4000:]}")
        return seen

    def until_as(self, before: list[str]) -> None:
        """Wait until containers and pulls left no more than there was `before`."""
        until(
            lambda: set(self.census.of_containers()) <= set(before),
            lambda: f"left: {self._more_than(before)}\n{self.log()[-4000:]}",
        )

    def _more_than(self, before: list[str]) -> str:
        return "\n".join(sorted(set(self.census.of_containers()) - set(before)))

    # -- the end ---------------------------------------------------------------------------------

    def demolish(self) -> None:
        """Take everything down, also after a test that failed."""
        self.census.own.clear()
        self.power_off()
        shutil.rmtree(self.folder, ignore_errors=True)

    def power_off(self) -> None:
        """What a reboot leaves: the data root."""
        for line in list(self.census.processes()):
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[1]), signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None
        with suppress(AssertionError):
            until(lambda: not list(self.census.processes()), str)
        for line in reversed(list(self.census.mounts())):
            _quietly("umount", "-l", line.split(" ", 1)[1])
        for link in reversed(list(self.census.links())):
            _quietly("ip", "link", "del", link.split()[1])
        for line in list(self.census.tables()):
            _quietly("nft", "delete", *line.split())
        for line in reversed(list(self.census.cgroups())):
            with suppress(OSError):
                os.rmdir(line.split(" ", 1)[1])
        shutil.rmtree(self.config.exec_root, ignore_errors=True)


def _quietly(*words: str) -> None:
    subprocess.run(words, capture_output=True, check=False)


def until(look: Callable[[], T], complaint: Callable[[], str], patience_s: float = PATIENCE_S) -> T:
    """Look until something is seen, and return it."""
    deadline = time.monotonic() + patience_s
    while not (seen := look()):
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.01)
    return seen


@contextmanager
def engine(*flags: str, disk_mib: int = 0) -> Iterator[Engine]:
    """An engine with the image, perhaps on a small disk; afterwards nothing of it may be left."""
    made = Engine(*flags)
    data = made.config.data_root
    try:
        if disk_mib:
            os.mkdir(data)
            made.census.own.append(data)
            options = ["-t", "tmpfs", "-o", f"size={disk_mib}m", "tmpfs", data]
            subprocess.run(["mount", *options], check=True)
        made.start()
        made.import_image()
        yield made
        if names := made.names():
            made.do("rm", "-f", "-v", *names)
        assert made.stop() == 0, made.log()
        until(lambda: not made.census.everything(), lambda: "\n".join(made.census.everything()))
    finally:
        made.demolish()
