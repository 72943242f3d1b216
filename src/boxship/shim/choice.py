"""Which runtime a container gets: what Create's options say, noted in the bundle for a clean-up."""

import json
import os

from boxship.shim import messages
from boxship.shim.library import Library
from boxship.shim.loop import Loop
from boxship.shim.runtimes import Place, default_root
from boxship.wire.protobuf import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from boxship.shim.runtimes import Runtime

    Fields = dict[str, Any]

OUR_NAMES = {"", "boxship", "boxship-runtime"}
RUNTIME_FILE = "runtime.json"


def runtime_of(loop: Loop, container_id: str, namespace: str, request: "Fields") -> "Runtime":
    """The runtime that the options of Create ask for; noted in the bundle, for a clean-up."""
    options = decode(messages.RUNC_OPTIONS, (request["options"] or {}).get("value") or b"")
    binary = options["binary_name"]
    root = options["root"] and f"{options['root']}/{namespace}"
    ours = binary in OUR_NAMES
    name = "boxship" if ours else os.path.basename(binary)
    bundle = request["bundle"]
    place = Place(container_id, bundle, root or default_root(bundle, namespace, name))
    note_runtime(place, "" if ours else binary)
    if ours:
        return Library(loop, place)
    from boxship.shim.program import Program

    return Program(loop, place, binary, systemd_cgroup=options["systemd_cgroup"])


def note_runtime(place: Place, binary: str) -> None:
    """Write into the bundle what a clean-up needs to know; "" is our runtime."""
    if not os.access(place.root, os.W_OK):
        os.makedirs(place.root, mode=0o711, exist_ok=True)
    note = {"binary": binary, "root": place.root, "id": place.id}
    with open(f"{place.bundle}/{RUNTIME_FILE}", "wb", buffering=0) as file:
        file.write(json.dumps(note).encode())
