"""A small world for tests of networks: programs in namespaces, and a host outside."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from boxship.kernel import namespaces
from boxship.network.values import AttachRequest, NetworkConfig, PortBinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
PATIENCE_S = 5.0
SILENCE_S = 0.6  # how long nothing must come until we believe that it is dropped


def inside(path: str, work: Callable[[], T]) -> T:
    """Run `work` on a thread in the namespace `path` ('' is the host's own)."""
    if not path:
        return work()
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with open(path, "rb") as file:
                namespaces.setns(file.fileno(), namespaces.CLONE_NEWNET)
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - carried over
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


class Server:
    """A program that answers each message with `NAME saw CLIENT: MESSAGE`, over TCP and UDP."""

    def __init__(
        self, path: str, port: int, *, name: str = "server", host: str = "0.0.0.0"
    ) -> None:
        self._name = name
        self._tcp = inside(path, lambda: socket.create_server((host, port)))
        self._udp = inside(path, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._udp.bind((host, port))
        self._threads = [threading.Thread(target=work) for work in (self._serve, self._answer)]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, peer = self._tcp.accept()
                threading.Thread(target=self._talk, args=(connection, peer[0])).start()

    def _talk(self, connection: socket.socket, peer: str) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                connection.sendall(self._reply(peer, data))

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, peer = self._udp.recvfrom(65536)
                if not data:
                    return
                self._udp.sendto(self._reply(peer[0], data), peer)

    def _reply(self, peer: str, data: bytes) -> bytes:
        return f"{self._name} saw {peer}: ".encode() + data

    def close(self) -> None:
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.shutdown(socket.SHUT_RDWR) if self._connected() else None
        self._udp.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _connected(self) -> bool:
        """Make shutdown(2) possible, which wakes the thread that waits in recvfrom(2)."""
        with contextlib.suppress(OSError):
            self._udp.connect(("127.0.0.1", 9))
            return True
        return False


def ask(
    path: str, address: str, port: int, *, protocol: str = "tcp", patience: float = PATIENCE_S
) -> str:
    """Send `hello` from a namespace; the answer, or '' if there is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with inside(path, lambda: socket.socket(family, kind)) as client:
        client.settimeout(patience)
        try:
            client.connect((address, port))
            client.send(b"hello")
            return client.recv(1024).decode()
        except OSError:
            return ""


def container(number: int | str = 1) -> str:
    """The id of a container."""
    return f"{number}".rjust(64, "c")


def request(number: int | str = 1, *ports: PortBinding, network: str = "bridge") -> AttachRequest:
    """Attach web<number>."""
    return AttachRequest(container(number), f"web{number}", network=network, ports=ports)


def config(**changes: object) -> NetworkConfig:
    """An instance with a name of its own, and pools that others do not try first."""
    name = f"bxt{secrets.token_hex(4)}"
    return NetworkConfig(**{"instance": name, "bridge": name, **changes})  # type: ignore[arg-type]


class World:
    """Directories, the host outside, and what must be gone at the end."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="bxt-"))
        self.names: list[str] = []
        self.name = f"bxo{secrets.token_hex(3)}"
        block = random.randrange(1 << 14)
        base = (198 << 24) + (18 << 16) + block * 4
        self.host_ip, self.outside_ip = (
            socket.inet_ntoa((base + number).to_bytes(4, "big")) for number in (1, 2)
        )
        self.outside = f"/run/netns/{self.name}"

    def build(self) -> None:
        """The host outside, one link away; its default route is through us."""
        run(f"ip netns add {self.name}")
        run(f"ip link add {self.name} type veth peer name up0 netns {self.name}")
        run(f"ip addr add {self.host_ip}/30 dev {self.name}")
        run(f"ip link set {self.name} up")
        for command in (
            "link set lo up",
            f"addr add {self.outside_ip}/30 dev up0",
            "link set up0 up",
        ):
            run(f"ip -n {self.name} {command}")
        run(f"ip -n {self.name} route add default via {self.host_ip}")

    def demolish(self) -> None:
        """Take it down, and what a test that failed left."""
        commands = [f"ip netns del {self.name}", f"ip link del {self.name}"]
        commands += [f"ip link del {name}" for name in self.names]
        commands += [f"nft delete table ip {name}" for name in self.names]
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        commands += [f"umount -l {each.split()[1]}" for each in mounts if str(self.root) in each]
        for command in commands:
            subprocess.run(command.split(), capture_output=True, check=False)
        for directory, folders, files in os.walk(self.root, topdown=False):
            for file in files:
                os.unlink(f"{directory}/{file}")
            for folder in folders:
                os.rmdir(f"{directory}/{folder}")
        self.root.rmdir()

    def new_config(self, **changes: object) -> NetworkConfig:
        """A configuration whose traces are looked for at the end."""
        made = config(**changes)
        self.names.append(made.instance)
        return made

    def traces(self) -> list[str]:
        """What the instances left: links, tables, mounts."""
        links = run("ip -o link show")
        found = [f"link {name}" for name in self.names if f" {name}:" in links]
        tables = run("nft list tables").split()
        found += [f"table {name}" for name in self.names if name in tables]
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        return found + [line for line in mounts.splitlines() if str(self.root) in line]

    def ports_of(self, bridge: str) -> list[str]:
        """The links on a bridge."""
        lines = run(f"ip -o link show master {bridge}").splitlines()
        return [line.split(": ")[1].split("@")[0] for line in lines]

    def await_ports(self, bridge: str, count: int) -> None:
        """Wait until the kernel has taken the links of dropped namespaces away."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.ports_of(bridge)) != count:
            assert time.monotonic() < deadline, self.ports_of(bridge)
            time.sleep(0.01)


@contextlib.contextmanager
def world() -> Iterator[World]:
    """A world, and the proof that nothing of it remains."""
    made = World()
    made.build()
    try:
        yield made
        assert made.traces() == []
    finally:
        made.demolish()


def run(command: str) -> str:
    """A program's output; its errors are ours."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
