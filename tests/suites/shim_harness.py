"""A zygote, its shims, and a small blocking ttrpc client: what a supervisor does, in a test."""

import contextlib
import itertools
import json
import os
import queue
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from boxship.shim import messages
from boxship.wire import stdio, ttrpc
from boxship.wire.protobuf import decode, encode
from suites import cgroup_parents

Value = Any
SECONDS = 15.0
BUSYBOX = "/bin/busybox"
_numbers = itertools.count(1)


class Failed(Exception):
    """A call that was answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Client:
    """Calls over one connection; `send` and `receive` apart, for calls that wait."""

    def __init__(self, path: str) -> None:
        self.socket = connect(path)
        self._decoder = ttrpc.Decoder()
        self._stream = -1
        self._methods: dict[int, str] = {}
        self._answers: dict[int, ttrpc.Response] = {}

    def send(self, method: str, **fields: Value) -> int:
        self._stream += 2
        self._methods[self._stream] = method
        payload = encode(messages.REQUESTS[method], fields)
        call = (messages.TASK_SERVICE, method)
        self.socket.sendall(ttrpc.encode_request(self._stream, call, payload))
        return self._stream

    def receive(self, stream: int) -> dict[str, Any]:
        while stream not in self._answers:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the shim has closed the connection")
            for message in self._decoder.feed(data):
                assert isinstance(message, ttrpc.Response)
                self._answers[message.stream] = message
        answer = self._answers.pop(stream)
        if answer.code:
            raise Failed(answer.code, answer.message)
        return decode(messages.RESPONSES[self._methods[stream]], answer.payload)

    def call(self, method: str, **fields: Value) -> dict[str, Any]:
        return self.receive(self.send(method, **fields))

    def close(self) -> None:
        self.socket.close()


def connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(SECONDS)
    connection.connect(path)
    return connection


class Events:
    """The supervisor's end of the events: everything that shims forward, in order."""

    def __init__(self, path: str) -> None:
        self._queue: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def next(self) -> tuple[str, dict[str, Any]]:
        return self._queue.get(timeout=SECONDS)

    def until(self, topic: str) -> dict[str, Any]:
        while True:
            seen, event = self.next()
            if seen == topic:
                return event

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._read, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _read(self, connection: socket.socket) -> None:
        decoder = ttrpc.Decoder()
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(1 << 16):
                for request in decoder.feed(data):
                    assert isinstance(request, ttrpc.Request)
                    self._queue.put(event_of(request))
                    connection.sendall(ttrpc.encode_response(request.stream, b""))


def event_of(request: ttrpc.Request) -> tuple[str, dict[str, Any]]:
    envelope = decode(messages.FORWARD, request.payload)["envelope"]
    name, schema = messages.EVENTS[envelope["topic"]]
    assert envelope["event"]["type_url"] == f"containerd.events.{name}"
    return envelope["topic"], decode(schema, envelope["event"]["value"])


class Zygote:
    """`boxship shim --zygote`, and the directory of an engine instance."""

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="bsh", dir="/tmp")
        self.events = Events(f"{self.directory}/events")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(SECONDS)
        self.control = ours
        # The supervisor passes descriptor 3; any number does.
        argv = [sys.executable, "-m", "boxship", "shim", "--zygote", "--fd", str(theirs.fileno())]
        self.process = subprocess.Popen(argv, pass_fds=(theirs.fileno(),))
        theirs.close()

    def ask(self, request: dict[str, Any], *fds: int) -> dict[str, Any]:
        socket.send_fds(self.control, [json.dumps(request).encode()], fds)
        answer: dict[str, Any] = json.loads(self.control.recv(1 << 16))
        return answer

    def close(self) -> None:
        self.control.close()
        self.process.wait(SECONDS)
        self.events.close()
        shutil.rmtree(self.directory)
        cgroup_parents.forget("/boxship-test")


class Container:
    """One bundle and its shim."""

    def __init__(self, zygote: Zygote, binary: str, args: list[str], **changes: Value) -> None:
        self.id = f"t{os.getpid()}x{next(_numbers)}"
        self.zygote = zygote
        self.events = zygote.events
        self.binary = binary
        self.bundle = f"{zygote.directory}/state/tasks/test/{self.id}"
        make_rootfs(f"{self.bundle}/rootfs")
        with open(f"{self.bundle}/config.json", "w", encoding="utf-8") as file:
            # As the daemon writes it: what the shim looks for is found.
            json.dump(spec_of(self.id, args, **changes), file, separators=(",", ":"))
        self.socket = f"{self.bundle}/shim.sock"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.socket)
        listener.listen(64)
        request = {"namespace": "test", "id": self.id, "bundle": self.bundle}
        request["events"] = f"{zygote.directory}/events"
        with listener:
            self.shim_pid = zygote.ask(request, listener.fileno())["pid"]
        self.client = Client(self.socket)
        self.log = f"{self.bundle}/log"
        self.attach_path = f"{self.bundle}/a.sock"

    def create(self, **fields: Value) -> int:
        fields = {"stdout": self.ours()} | fields
        options = encode(messages.RUNC_OPTIONS, {"binary_name": self.binary})
        any_options = {"type_url": "containerd.runc.v1.Options", "value": options}
        answer = self.client.call(
            "Create", id=self.id, bundle=self.bundle, options=any_options, **fields
        )
        return int(answer["pid"])

    def ours(self, **options: str) -> str:
        query = {"attach": self.attach_path, "driver": "json-file"} | options
        return f"boxship-io://{self.log}?" + "&".join(f"{k}={v}" for k, v in query.items())

    def start(self) -> None:
        self.client.call("Start", id=self.id)

    def run(self, **fields: Value) -> int:
        """Create, start, wait: the exit status."""
        self.create(**fields)
        self.start()
        return self.wait()

    def wait(self, exec_id: str = "") -> int:
        return int(self.client.call("Wait", id=self.id, exec_id=exec_id)["exit_status"])

    def exec(self, exec_id: str, args: list[str], **fields: Value) -> None:
        process = process_of(args)
        value = json.dumps(process).encode()
        spec = {"type_url": "types.containerd.io/opencontainers/runtime-spec/1/Process"}
        path = f"{self.bundle}/{exec_id}.sock"
        fields = {"stdout": f"boxship-io://?attach={path}"} | fields
        self.client.call(
            "Exec", id=self.id, exec_id=exec_id, spec={**spec, "value": value}, **fields
        )

    def attach(self, exec_id: str = "", **wants: bool) -> socket.socket:
        path = f"{self.bundle}/{exec_id}.sock" if exec_id else self.attach_path
        connection = connect(path)
        header = {"stdin": True, "stdout": True, "stderr": True, "close_stdin": True} | wants
        connection.sendall(json.dumps(header).encode() + b"\n")
        return connection

    def logged(self) -> list[tuple[str, str]]:
        with open(self.log, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        return [(record["stream"], record["log"]) for record in records]

    def shim_gone(self, seconds: float = SECONDS) -> bool:
        try:
            pidfd = os.pidfd_open(self.shim_pid)
        except ProcessLookupError:
            return True
        with open(pidfd, "rb"):
            return bool(select.select([pidfd], [], [], seconds)[0])

    def remove(self) -> None:
        """Delete whatever is there; the shim must be gone afterwards."""
        with contextlib.suppress(ConnectionError, OSError):
            for verb in ("Kill", "Wait", "Delete"):
                fields = {"signal": 9, "all": True} if verb == "Kill" else {}
                with contextlib.suppress(Failed):
                    self.client.call(verb, id=self.id, **fields)
            self.client.call("Shutdown", id=self.id)
        self.client.close()
        assert self.shim_gone(), "the shim outlives its container"
        shutil.rmtree(self.bundle, ignore_errors=True)


@contextlib.contextmanager
def container(
    zygote: Zygote, binary: str, args: list[str], **changes: Value
) -> Iterator[Container]:
    """A container that is gone at the end, whatever happened."""
    made = Container(zygote, binary, args, **changes)
    try:
        yield made
    finally:
        made.remove()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the shim closes the connection."""
    out = b""
    while data := connection.recv(1 << 16):
        out += data
    return out


def read_until(connection: socket.socket, text: bytes) -> bytes:
    out = b""
    while text not in out:
        data = connection.recv(1 << 16)
        assert data, f"the end came before {text!r}: {out!r}"
        out += data
    return out


def streams(frames: bytes) -> dict[int, bytes]:
    """Docker's frames, joined by stream."""
    joined = {1: b"", 2: b""}
    for stream, payload in stdio.Decoder().feed(frames):
        joined[stream] += payload
    return joined


def make_rootfs(path: str) -> None:
    for directory in ("bin", "proc", "dev", "sys", "tmp", "etc"):
        os.makedirs(f"{path}/{directory}")
    shutil.copy(BUSYBOX, f"{path}/bin/busybox")
    for name in (
        "sh",
        "cat",
        "sleep",
        "echo",
        "true",
        "tty",
        "stty",
        "yes",
        "head",
        "id",
        "ls",
        "ln",
    ):
        os.symlink("busybox", f"{path}/bin/{name}")
    os.chmod(f"{path}/tmp", 0o1777)


def process_of(args: list[str], **changes: Value) -> dict[str, Any]:
    process: dict[str, Any] = {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": args,
        "env": ["PATH=/bin", "TERM=xterm"],
        "cwd": "/",
    }
    return process | changes


def spec_of(container_id: str, args: list[str], **changes: Value) -> dict[str, Any]:
    resources = changes.pop("resources", {})
    process = process_of(args, **changes)
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["newinstance", "ptmxmode=0666", "mode=0620"],
        },
    ]
    namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]
    return {
        "ociVersion": "1.0.2",
        "process": process,
        "root": {"path": "rootfs"},
        "hostname": "test",
        "mounts": mounts,
        "linux": {
            "namespaces": namespaces,
            "cgroupsPath": f"/boxship-test/{container_id}",
            "resources": resources,
        },
    }
