"""The host as this folder sees it: links, rules, namespaces, sysctls.  For one thread."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from boxship.kernel import mounts, namespaces
from boxship.kernel.conntrack import Conntrack
from boxship.kernel.links import Links
from boxship.kernel.nftables import Nftables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

THREAD_NAMESPACE = "/proc/thread-self/ns/net"
LOOPBACK = 1  # its index in every namespace
TURN_S = 5.0


class Namespace:
    """A network namespace that is open: its descriptor, and its links from inside."""

    def __init__(self, fd: int, links: Links) -> None:
        """Own both."""
        self.fd = fd
        self.links = links

    def close(self) -> None:
        """Close both; the namespace lives on by its file or its processes."""
        if self.fd >= 0:
            os.close(self.fd)
            self.links.close()
            self.fd = -1


class Host:
    """The handles through which the host is changed."""

    def __init__(self) -> None:
        """Open them in the calling thread's namespace."""
        self.links = Links()
        self.nftables = Nftables()
        self.conntrack = Conntrack()

    def close(self) -> None:
        """Close them."""
        self.links.close()
        self.nftables.close()
        self.conntrack.close()

    def run(self, commands: str) -> None:
        """Carry out commands of nftables, in its own words or in JSON; none is fine."""
        if commands.startswith("{"):
            self.nftables.run_json(commands)
        elif commands:
            self.nftables.run(commands)


def make_namespace(path: str) -> Namespace:
    """A new namespace, kept by the file `path`, with its loopback up."""

    def make() -> Namespace:
        namespaces.unshare(namespaces.CLONE_NEWNET)
        with open(path, "x", encoding="ascii"):
            mounts.mount(THREAD_NAMESPACE, path, None, mounts.MS_BIND)
        _quiet_ipv6()
        inside = Links()
        inside.up(LOOPBACK)
        return Namespace(os.open(THREAD_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC), inside)

    return _on_own_thread(make)


def open_namespace(path: str) -> Namespace:
    """The namespace that the file `path` keeps."""

    def enter() -> Namespace:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            namespaces.setns(fd, namespaces.CLONE_NEWNET)
            return Namespace(fd, Links())
        except OSError:
            os.close(fd)
            raise

    return _on_own_thread(enter)


def drop_namespace(path: str) -> None:
    """Let go of the namespace that `path` keeps; its links go with it.  None there is fine."""
    try:
        mounts.umount2(path, mounts.MNT_DETACH | mounts.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOENT}:
            raise
    with suppress(FileNotFoundError):
        os.unlink(path)


def is_namespace(path: str) -> bool:
    """Whether the file `path` keeps a namespace: after a reboot it is but a file."""
    try:
        return os.stat(path).st_dev == os.stat(THREAD_NAMESPACE).st_dev
    except FileNotFoundError:
        return False


@contextmanager
def taking_turns() -> Iterator[None]:
    """Keep other instances in this network namespace from choosing at the same time.

    The lock is on the namespace itself, so it is of just those who share it, and goes with its
    holder.  Anyone may take it, so nobody waits for it for ever.
    """
    with open(THREAD_NAMESPACE, "rb") as namespace:
        deadline = time.monotonic() + TURN_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(namespace, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.005)
        yield


def sysctl(name: str, value: str, why: str) -> None:
    """Set a sysctl (with slashes) if it is not so already, and say so."""
    path = f"/proc/sys/{name}"
    with open(path, encoding="ascii") as file:
        current = file.read().strip()
    if current != value:
        log.info("sysctl %s: %s -> %s, %s", name.replace("/", "."), current, value, why)
        with open(path, "w", encoding="ascii") as file:
            file.write(value)


def _quiet_ipv6() -> None:
    """No IPv6 on links to come, as in Docker's networks without it; loopback keeps ::1."""
    with (
        suppress(FileNotFoundError),
        open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w", encoding="ascii") as file,
    ):
        file.write("1")


def _on_own_thread(work: Callable[[], Namespace]) -> Namespace:
    """Run `work`, which enters a namespace, on a thread that ends with it: none comes back."""
    done: list[Namespace] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - carried to the caller
            failed.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
