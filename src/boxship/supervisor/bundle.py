"""The directory of one task, and the sockets and notes in it.

config.json      the OCI spec
shim.sock        our shim listens here; bound by the supervisor, so that it can connect at once
bootstrap.json   a foreign shim: its program, address and protocol
init.pid         the task was created: the pid of its init process
died.json        the shim died and its end was told: exit status and time
rootfs/          where a shim mounts the root file system; never looked into here
"""

import errno
import json
import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from boxship.model.errors import Conflict, System
from boxship.supervisor.status import Exists

if TYPE_CHECKING:
    from collections.abc import Iterator

DIED_STATUS = 137  # as if by SIGKILL, which is what ends a container whose shim is gone


class Death(NamedTuple):
    """How a task ended whose shim could not say it."""

    status: int
    at_ns: int


class Bundle:
    """<state>/io.containerd.runtime.v2.task/<namespace>/<id>."""

    def __init__(self, tasks: str, namespace: str, container_id: str) -> None:
        """A name for it, whether it is there or not."""
        self.namespace = namespace
        self.id = container_id
        self.path = os.path.join(tasks, namespace, container_id)

    def _in(self, name: str) -> str:
        return os.path.join(self.path, name)

    def make(self, spec: bytes) -> None:
        """The directory with config.json and an empty rootfs; nobody but root looks inside."""
        os.makedirs(os.path.dirname(self.path), mode=0o711, exist_ok=True)
        try:
            os.mkdir(self.path, 0o700)
        except FileExistsError:
            raise Exists(f"bundle of task {self.id}") from None
        try:
            os.mkdir(self._in("rootfs"), 0o711)
            self._write("config.json", spec)
        except OSError as error:
            self.remove()
            raise System(f"cannot write bundle {self.path}: {error.strerror}") from error

    def _write(self, name: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(self._in(name), flags, 0o600)
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)

    def _read(self, name: str) -> bytes | None:
        try:
            with open(self._in(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def _read_json(self, name: str) -> Any:  # noqa: ANN401  # JSON
        try:
            return json.loads(self._read(name) or b"null")
        except ValueError:
            return None  # cut short by a crash: as if it had not been written

    # Sockets: their path may be longer than a socket's name can be, hence /proc/self/fd.

    def listen(self) -> socket.socket:
        """Bind shim.sock anew and listen."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        directory = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        name = f"/proc/self/fd/{directory}/shim.sock"
        try:
            if os.path.lexists(name):
                os.unlink(name)
            sock.bind(name)
            sock.listen(64)
        except BaseException:
            sock.close()
            raise
        finally:
            os.close(directory)
        return sock

    def connect(self) -> socket.socket:
        """Connect to shim.sock; ConnectionError or FileNotFoundError when nobody listens."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.setblocking(False)
        directory = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sock.connect(f"/proc/self/fd/{directory}/shim.sock")
        except BaseException:
            sock.close()
            raise
        finally:
            os.close(directory)
        return sock

    @property
    def has_socket(self) -> bool:
        """A shim of ours was asked for."""
        return os.path.lexists(self._in("shim.sock"))

    # Notes

    def note_bootstrap(self, bootstrap: dict[str, object]) -> None:
        """Remember how to reach a foreign shim."""
        self._write("bootstrap.json", json.dumps(bootstrap).encode())

    def bootstrap(self) -> dict[str, Any] | None:
        """How to reach a foreign shim, if this is one's."""
        found = self._read_json("bootstrap.json")
        return found if isinstance(found, dict) else None

    def note_pid(self, pid: int) -> None:
        """Remember that the task was created."""
        self._write("init.pid", str(pid).encode())

    def pid(self) -> int:
        """The init process of the created task, or 0."""
        text = self._read("init.pid") or b""
        return int(text) if text.strip().isdigit() else 0

    def note_death(self, end: Death | None = None) -> Death:
        """Remember that the end of this task was told: the one its shim told, or the usual."""
        death = end or Death(DIED_STATUS, time.time_ns())
        self._write("died.json", json.dumps(death._asdict()).encode())
        return death

    def death(self) -> Death | None:
        """The end that was told before, if any."""
        found = self._read_json("died.json")
        return Death(**found) if isinstance(found, dict) else None

    # End

    def remove(self) -> None:
        """Take it away; a root file system that is still mounted is left alone and told."""
        try:
            os.rmdir(self._in("rootfs"))
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise Conflict(
                    f"{self._in('rootfs')} is still mounted", hint="unmount it and delete again"
                ) from error
            raise System(f"{self._in('rootfs')} is not empty: {error.strerror}") from error
        shutil.rmtree(self.path, ignore_errors=True)


def bundles(tasks: str) -> "Iterator[Bundle]":
    """Every bundle that is there."""
    for namespace in _names(tasks):
        for container_id in _names(os.path.join(tasks, namespace)):
            yield Bundle(tasks, namespace, container_id)


def _names(directory: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    except FileNotFoundError:
        return []
