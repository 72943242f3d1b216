"""What is left of a container whose shim was killed: its processes, cgroups, state, mounts."""

import json
import os

from boxship.model.errors import System
from boxship.shim import rootfs
from boxship.shim.choice import RUNTIME_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def clean_up(what: "dict[str, Any]") -> None:
    """Delete by force with the runtime that the bundle names; idempotent."""
    bundle = what["bundle"]
    try:
        with open(os.path.join(bundle, RUNTIME_FILE), encoding="utf-8") as file:
            runtime = json.load(file)
    except FileNotFoundError:
        return
    if runtime["binary"]:
        _delete_by_program(runtime)
    else:
        from boxship.runtime import delete

        delete.delete(runtime["id"], runtime["root"], force=True)
    rootfs.unmount_all(os.path.join(bundle, "rootfs"))


def _delete_by_program(runtime: "dict[str, str]") -> None:
    argv = [runtime["binary"], "--root", runtime["root"], "delete", "--force", runtime["id"]]
    pid = os.posix_spawnp(argv[0], argv, os.environ)
    _, status = os.waitpid(pid, 0)
    if status:
        raise System(f"{runtime['binary']} delete --force {runtime['id']} failed")
