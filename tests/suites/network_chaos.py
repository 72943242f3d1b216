"""A life of one container's network, ended by kill -9 at a chosen change of kernel or store.

Run as a program of one thread, since it forks.  Prints how many moments it tried.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boxship.kernel import mounts, namespaces, netlink, nftables
from boxship.network.core import Core
from boxship.network.store import Store
from boxship.network.values import AttachRequest, NetworkConfig, PortBinding

if TYPE_CHECKING:
    from collections.abc import Callable

VICTIM = "d" * 64
CHANGES = (
    (netlink.Netlink, "request"),
    (nftables.Nftables, "_run"),
    (mounts, "mount"),
    (mounts, "umount2"),
    (namespaces, "unshare"),
    (os, "unlink"),
    (Store, "add"),
    (Store, "forget"),
    (Store, "save_network"),
)


class Countdown:
    """Kills this process before the n-th change that it makes."""

    def __init__(self, moments: int) -> None:
        self.left = moments
        for owner, name in CHANGES:
            setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: object, **kwargs: object) -> object:
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
            return change(*args, **kwargs)

        return counted


def core_of(root: Path, name: str) -> Core:
    return Core(root / "data", root / "exec", NetworkConfig(name, name))


def live_and_die(root: Path, name: str, moments: int) -> None:
    """Start, attach, detach, stop; die before the change number `moments`."""
    Countdown(moments)
    core = core_of(root, name)
    core.start(())
    core.attach(AttachRequest(VICTIM, "victim", ports=(PortBinding(80), PortBinding(53, "udp"))))
    core.detach(VICTIM)
    core.stop(remove=True)


def find_nothing(root: Path, name: str, fresh: bool) -> None:
    """After the next start there is no trace of it; `fresh`: not even a bridge or a row remains."""
    core = core_of(root, name)
    core.start(())
    assert os.listdir(root / "exec" / "netns") == []
    assert core.catalogue.endpoints() == []
    assert "tcp . " not in os.popen(f"nft list table ip {name}").read()
    deadline = time.monotonic() + 5
    while os.popen(f"ip -o link show master {name}").read():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert core.attach(AttachRequest(VICTIM, "victim")).ip.endswith(".2")
    core.detach(VICTIM)
    core.stop(remove=fresh)
    if fresh:
        (root / "data" / "network.db").unlink()


def forked(work: Callable[[Path, str, int], None], root: Path, name: str, number: int) -> int:
    """The wait status of a child that does `work`."""
    child = os.fork()
    if child == 0:
        try:
            work(root, name, number)
        except BaseException:  # noqa: BLE001 - a child of fork must not return
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(root: Path, name: str) -> None:
    """Try every moment until one is never reached: of a first start, and of a later one."""
    tried = 0
    for fresh in (True, False):
        moments = 0
        assert forked(find_nothing, root, name, fresh) == 0
        while (status := forked(live_and_die, root, name, moments)) == signal.SIGKILL:
            assert forked(find_nothing, root, name, fresh) == 0, f"after moment {moments}"
            moments += 1
        assert status == 0
        tried += moments
    print(tried)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
