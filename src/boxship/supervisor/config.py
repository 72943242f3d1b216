"""What one supervisor is told: flags, parsed once."""

import argparse
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SOCKET_PATH = 107  # sun_path, without its closing zero


class Config(NamedTuple):
    """Where one supervisor keeps things and listens."""

    root: str  # what outlives a boot: containers, namespaces
    state: str  # what ends with a boot: bundles and their sockets
    address: str  # the gRPC socket
    log_level: str
    log_format: str

    @property
    def events_address(self) -> str:
        """The ttrpc socket at which shims report events; containerd's name for it."""
        return self.address + ".ttrpc"

    @property
    def tasks(self) -> str:
        """Bundles are below it, by namespace and id; containerd's name for it."""
        return os.path.join(self.state, "io.containerd.runtime.v2.task")


def parse(arguments: "Sequence[str]") -> Config:
    """Flags to Config; leaves the program with 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="boxship supervisor",
        description="Keep the tasks of containers and their shims; serve containerd's API.",
        allow_abbrev=False,
    )
    parser.add_argument("--root", default="/var/lib/boxship/containerd", metavar="DIR")
    parser.add_argument("--state", default="/run/boxship/containerd/state", metavar="DIR")
    parser.add_argument(
        "-a", "--address", default="/run/boxship/containerd/containerd.sock", metavar="SOCKET"
    )
    levels = ("trace", "debug", "info", "warn", "error", "fatal")
    parser.add_argument("-l", "--log-level", default="info", choices=levels)
    parser.add_argument("--log-format", default="text", choices=("text", "json"))
    flags = parser.parse_args(arguments)
    address = os.path.abspath(flags.address.removeprefix("unix://"))
    config = Config(
        root=os.path.abspath(flags.root),
        state=os.path.abspath(flags.state),
        address=address,
        log_level=flags.log_level,
        log_format=flags.log_format,
    )
    if len(os.fsencode(config.events_address)) > MAX_SOCKET_PATH:
        parser.error(
            f"--address {address} is too long for a unix socket:"
            f" with .ttrpc it may have {MAX_SOCKET_PATH} bytes"
        )
    return config
