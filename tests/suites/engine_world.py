"""Engines for tests: one in this process, or `boxship daemon` as a process; gone without a trace.

Everything is of one instance: data root, exec root, socket, pid file, bridge, cgroups.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from boxship.daemon.build import build_engine
from boxship.daemon.config import Config
from boxship.daemon.requests import AttachOptions, CreateRequest
from boxship.logs.reader import ReadOptions
from boxship.model.errors import Conflict
from boxship.wire.stdio import Decoder

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.engine import Engine

PATIENCE_S = 30
IMAGE = "busybox:latest"


def fresh_config(**changes: Any) -> Config:  # noqa: ANN401 - fields of Config
    """A configuration on a short temporary folder."""
    root = tempfile.mkdtemp(prefix="bx-", dir="/tmp")
    return Config(
        data_root=f"{root}/data",
        exec_root=f"{root}/run",
        pidfile=f"{root}/pid",
        hosts=(f"unix://{root}/api.sock",),
        **changes,
    )


def root_of(config: Config) -> str:
    """The folder that all of an engine's things are in."""
    return os.path.dirname(config.data_root)


async def opened(config: Config) -> Engine:
    """An open engine with a busybox image."""
    engine = build_engine(config)
    await engine.open()
    if not engine.images.list():
        await engine.parts.in_thread(engine.images.bootstrap, "busybox", IMAGE)
    return engine


async def closed(engine: Engine) -> None:
    """End containers and engine and look that nothing stays behind."""
    for c in engine.containers:
        gone = engine.wait_begin(c, "removed")
        try:
            await engine.remove(c, force=True, volumes=True)
        except Conflict:  # --rm is about to
            await gone
    await engine.close()
    leave_nothing(engine.config)


def leave_nothing(config: Config) -> None:
    """Assert that neither mounts nor links nor cgroups of an instance are left, then remove it."""
    root = root_of(config)
    with open("/proc/self/mounts") as mounts:
        assert [line for line in mounts if f" {root}" in line] == []
    assert not os.path.exists(f"/sys/class/net/{config.bridge_name}")
    assert not os.path.exists(f"/sys/fs/cgroup/memory{config.cgroup}")
    assert os.listdir(f"{config.data_root}/containers") == []
    assert os.listdir(f"{config.exec_root}/io") == []
    assert os.listdir(f"{config.exec_root}/netns") == []
    shutil.rmtree(root)


class Screen:
    """A client's end of attach and exec: types what it is fed, keeps what it is shown."""

    def __init__(self, *typed: bytes, tty: bool = False, ends: bool = True) -> None:
        """Input that is typed at once; without `ends` it goes on for ever."""
        self.closed = asyncio.Event()
        self._typed = [*typed]
        self._ends = ends
        self._tty = tty
        self._decoder = Decoder()
        self.stdout = b""
        self.stderr = b""
        self._shown = asyncio.Event()

    async def read(self) -> bytes:
        """What was typed."""
        if self._typed:
            return self._typed.pop(0)
        if not self._ends:
            await asyncio.Event().wait()
        return b""

    async def write(self, data: bytes) -> None:
        """What is shown."""
        if self._tty:
            self.stdout += data
        else:
            for stream, payload in self._decoder.feed(data):
                if stream == 1:
                    self.stdout += payload
                else:
                    self.stderr += payload
        self._shown.set()

    async def until(self, words: bytes) -> None:
        """Wait until something is shown."""
        async with asyncio.timeout(PATIENCE_S):
            while words not in self.stdout:
                self._shown.clear()
                await self._shown.wait()

    def write_eof(self) -> None:
        """The daemon has no more."""

    def close(self) -> None:
        """The daemon closes."""


async def created(
    engine: Engine,
    *command: str,
    name: str | None = None,
    host_config: dict[str, Any] | None = None,
    **config: Any,  # noqa: ANN401 - fields of Docker's Config
) -> Container:
    """`docker create`."""
    request = CreateRequest(
        name, {"Image": IMAGE, "Cmd": list(command), **config}, host_config or {}
    )
    container_id, _ = await engine.create(request)
    return engine.containers.get(container_id)


async def ran(engine: Engine, *command: str, **options: Any) -> tuple[int, Screen]:  # noqa: ANN401
    """`docker run` in the foreground: exit code and what it said."""
    c = await created(engine, *command, **options)
    screen = Screen()
    attached = asyncio.create_task(
        engine.attach(c, AttachOptions(stdout=True, stderr=True), screen)  # type: ignore[arg-type]
    )
    await asyncio.sleep(0)
    waiting = engine.wait_begin(c, "next-exit")
    async with asyncio.timeout(PATIENCE_S):
        await engine.start(c)
        code, _ = await waiting
        await attached
    return code, screen


async def started(engine: Engine, *command: str, **options: Any) -> Container:  # noqa: ANN401
    """`docker run -d`."""
    c = await created(engine, *command, **options)
    await engine.start(c)
    return c


async def said(engine: Engine, c: Container) -> bytes:
    """`docker logs`, of a container without a terminal."""
    decoder = Decoder()
    text = b""
    async for piece in engine.logs(c, ReadOptions()):
        text += b"".join(payload for _, payload in decoder.feed(piece))
    return text


class Daemon:
    """`boxship daemon` as a process, and its API."""

    def __init__(self, config: Config) -> None:
        """It does not run yet."""
        self.config = config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *flags: str) -> None:
        """Start it, and wait until it answers."""
        config = self.config
        with open(f"{root_of(config)}/log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "boxship", "daemon", "--data-root", config.data_root,
                 "--exec-root", config.exec_root, "--pidfile", config.pidfile,
                 "-H", config.hosts[0], *flags],
                stderr=log, stdin=subprocess.DEVNULL, cwd="/",
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if self.ask("GET", "/_ping")[0] == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"the daemon does not answer:\n{self.log()}")

    def log(self) -> str:
        """What it wrote."""
        with open(f"{root_of(self.config)}/log") as log:
            return log.read()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request; the JSON or text of its answer."""
        connection = http.client.HTTPConnection("d", timeout=PATIENCE_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(PATIENCE_S)
            connection.sock.connect(self.config.hosts[0].removeprefix("unix://"))
            headers = {"Content-Type": "application/json"} if body is not None else {}
            data = json.dumps(body) if body is not None else None
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")

    def run(self, name: str, *command: str, **host_config: object) -> str:
        """`docker run -d`; its id."""
        body = {"Image": IMAGE, "Cmd": list(command), "HostConfig": host_config}
        status, made = self.ask("POST", f"/containers/create?name={name}", body)
        assert status == 201, made
        status, answer = self.ask("POST", f"/containers/{name}/start")
        assert status == 204, answer
        return str(made["Id"])

    def inspect(self, name: str) -> dict[str, Any]:
        """`docker inspect`."""
        status, found = self.ask("GET", f"/containers/{name}/json")
        assert status == 200, found
        document: dict[str, Any] = found
        return document

    def wait_for(self, name: str, status: str) -> dict[str, Any]:
        """Poll until a container has a status; its state."""
        deadline = time.monotonic() + PATIENCE_S
        while (state := self.inspect(name)["State"])["Status"] != status:
            assert time.monotonic() < deadline, state
            time.sleep(0.02)
        found: dict[str, Any] = state
        return found

    @property
    def pid(self) -> int:
        """Of the daemon."""
        assert self._process is not None
        return self._process.pid

    def supervisor_pid(self) -> int:
        """Of the supervisor that serves."""
        from boxship.daemon.supervise import serving_pid

        deadline = time.monotonic() + PATIENCE_S
        while (pid := serving_pid(self.config.supervisor_socket)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return pid

    def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_supervisor(self) -> None:
        """Kill -9 the supervisor."""
        pid = self.supervisor_pid()
        fd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        import select

        select.select([fd], [], [], PATIENCE_S)
        os.close(fd)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(PATIENCE_S)
