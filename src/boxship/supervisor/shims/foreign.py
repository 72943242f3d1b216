"""containerd's own shims, and any other that speaks its shim v2 protocol.

    <program> -namespace NS -id ID -address SOCKET start    in the bundle; prints its address
    <program> ... -bundle DIR delete                        removes what a dead shim left

The address is `unix:///path`, or, from a containerd 2 shim, {"version", "address", "protocol"}.
"""

import asyncio
import json
import logging
import os
import shutil
import socket
import stat
import subprocess
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from boxship.api.shim.client import TASK_V2, TASK_V3, TaskClient, connect
from boxship.api.shim.task_pb2 import ShutdownRequest
from boxship.model.errors import BoxshipError, NotFound, System, Unavailable
from boxship.supervisor import limits

if TYPE_CHECKING:
    from boxship.supervisor.bundle import Bundle

log = logging.getLogger(__name__)

PROGRAM_S = 30.0  # for a program to start a shim, or to clean up after one
SHUT_DOWN_S = 5.0


def program_of(runtime: str) -> str | None:
    """The shim program of a runtime's name, None if it is not installed.

    io.containerd.runc.v2 is containerd-shim-runc-v2; a path names the program itself.
    """
    if os.path.isabs(runtime):
        return runtime if os.access(runtime, os.X_OK) else None
    return shutil.which(program_name(runtime))


def program_name(runtime: str) -> str:
    """What the program of a runtime is called."""
    parts = runtime.split(".")
    if len(parts) < 2 or not all(parts):  # family and version
        raise NotFound(
            f'invalid runtime name "{runtime}", correct runtime name should be either'
            " format like `io.containerd.runc.v2` or a full path to the binary"
        )
    return f"containerd-shim-{parts[-2]}-{parts[-1]}"


class ForeignShim:
    """A shim that a program started."""

    def __init__(self, client: TaskClient, bundle: "Bundle") -> None:
        """Made by ForeignShims.launch and .reach."""
        self.client = client
        self.pid = 0
        self._bundle = bundle

    async def born(self) -> None:
        """It was, or launch would have failed."""

    async def dismiss(self) -> None:
        """Its socket belongs to the name: wait until it has gone."""
        try:
            async with asyncio.timeout(SHUT_DOWN_S):
                await self.client.shutdown(ShutdownRequest(id=self._bundle.id))
                await asyncio.shield(self.client.closed)
        except (BoxshipError, TimeoutError) as error:
            log.warning("shim of %s did not shut down: %s", self._bundle.id, error)
        finally:
            self.client.connection.close()


class ForeignShims:
    """Starts them, finds them again, and buries them."""

    def __init__(self, address: str, events: str, *, debug: bool) -> None:
        """`address` and `events` are the sockets that they are told."""
        self._address = address
        self._events = events
        self._debug = debug

    async def launch(self, bundle: "Bundle", program: str, options: bytes) -> ForeignShim:
        """Start the program; it starts the shim and says where that listens."""
        bundle.note_bootstrap({"binary": program})  # whose bundle it is, whatever happens now
        log_pipe = _ShimLog(bundle)
        try:
            output = await self._run(bundle, program, "start", options)
            bootstrap = _parse_bootstrap(output, program)
            bundle.note_bootstrap({**bootstrap, "binary": program})
            return await self._reach(bundle, bootstrap, log_pipe)
        except BaseException:
            log_pipe.close()
            raise

    async def reach(self, bundle: "Bundle") -> ForeignShim:
        """The shim that lives there; OSError when none does."""
        bootstrap = bundle.bootstrap()
        if bootstrap is None or "address" not in bootstrap:
            raise FileNotFoundError(f"no shim of {bundle.path} was ever heard of")
        log_pipe = _ShimLog(bundle)
        try:
            return await self._reach(bundle, bootstrap, log_pipe)
        except BaseException:
            log_pipe.close()
            raise

    async def _reach(
        self, bundle: "Bundle", bootstrap: dict[str, object], log_pipe: "_ShimLog"
    ) -> ForeignShim:
        service = TASK_V3 if bootstrap["version"] == 3 else TASK_V2
        connection = await connect(_connect(str(bootstrap["address"])))
        connection.closed.add_done_callback(lambda _: log_pipe.close())
        return ForeignShim(TaskClient(connection, bundle.namespace, service), bundle)

    async def clean_up(self, bundle: "Bundle", program: str) -> None:
        """Run the program's `delete`."""
        await self._run(bundle, program, "delete", b"")

    async def _run(self, bundle: "Bundle", program: str, action: str, options: bytes) -> bytes:
        command = [program, *self._flags(bundle), *_action(bundle, action)]
        environment = {**os.environ, **self._environment(bundle)}
        return await asyncio.to_thread(_run_program, command, bundle.path, environment, options)

    def _flags(self, bundle: "Bundle") -> list[str]:
        flags = ["-namespace", bundle.namespace, "-address", self._address, "-id", bundle.id]
        return [*flags, "-debug"] if self._debug else flags

    def _environment(self, bundle: "Bundle") -> dict[str, str]:
        return {
            "TTRPC_ADDRESS": self._events,
            "GRPC_ADDRESS": self._address,
            "NAMESPACE": bundle.namespace,
            "MAX_SHIM_VERSION": "3",
            "GOMAXPROCS": "2",
        }


def _run_program(command: list[str], where: str, environment: dict[str, str], data: bytes) -> bytes:
    """What a program prints.  Into a file, not a pipe: what it leaves running may keep it open."""
    with TemporaryFile() as given, TemporaryFile() as output:
        given.write(data)
        given.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=where,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise System(f"cannot start shim {command[0]}: {error.strerror}") from error
        limits.give_back(process.pid)
        try:
            code = process.wait(PROGRAM_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Unavailable(f"{' '.join(command)} did not end in {PROGRAM_S:.0f} s") from None
        output.seek(0)
        said = output.read()
    if code:
        text = said.decode(errors="replace").strip()
        raise System(f"{' '.join(command)} failed: {text or code}")
    return said


def _action(bundle: "Bundle", action: str) -> list[str]:
    return ["start"] if action == "start" else ["-bundle", bundle.path, action]


def _parse_bootstrap(output: bytes, program: str) -> dict[str, object]:
    text = output.decode(errors="replace").strip()
    bootstrap: dict[str, object] = {"version": 2, "address": text, "protocol": "ttrpc"}
    if text.startswith("{"):
        bootstrap |= json.loads(text)
    if bootstrap["protocol"] != "ttrpc" or not bootstrap["address"]:
        raise System(f"{program} start: {text!r} is no ttrpc address")
    return bootstrap


def _connect(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.setblocking(False)
    try:
        sock.connect(address.removeprefix("unix://"))
    except BaseException:
        sock.close()
        raise
    return sock


class _ShimLog:
    """The pipe in the bundle into which containerd's shims write their log; ours takes it up."""

    def __init__(self, bundle: "Bundle") -> None:
        path = os.path.join(bundle.path, "log")
        try:
            os.mkfifo(path, 0o700)
        except FileExistsError:
            if not stat.S_ISFIFO(os.stat(path).st_mode):
                raise
        self._id = bundle.id
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return
        for line in data.decode(errors="replace").splitlines():
            log.info("shim of %s: %s", self._id, line)

    def close(self) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
