"""What this client is."""

import os

VERSION = "0.1.0"
# The client whose words this one says, and the engine API that it speaks.
API_VERSION = "1.50"

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def architecture() -> str:
    """This host's architecture by the name that images use."""
    machine = os.uname().machine
    return _MACHINES.get(machine, machine)
