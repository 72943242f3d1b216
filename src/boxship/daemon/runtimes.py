"""Which runtime a container asked for: the shim behind it, and how its streams are connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.daemon.config import OUR_SHIM
from boxship.daemon.tasks import Runtime
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts
    from boxship.daemon.stdio import ProcessIO


def runtime_of(parts: Parts, c: Container) -> Runtime:
    """The shim and the program; Invalid when the daemon does not know it any more."""
    name = c.host_config["Runtime"]
    if name not in parts.runtimes:
        raise Invalid(f"unknown or invalid runtime name: {name}")
    return Runtime(*parts.runtimes[name])


def io_of(parts: Parts, c: Container) -> ProcessIO:
    """Our shim keeps the streams itself; any other one needs FIFOs."""
    return parts.io if runtime_of(parts, c).name == OUR_SHIM else parts.fifos
