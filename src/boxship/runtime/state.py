"""What a later command knows of a container: <root>/<id>/state.json, and what /proc adds.

creating   state.json names no process yet
created    init waits at exec.fifo
running    init runs the user's program
paused     its control group is frozen
stopped    init is gone, or its number belongs to another process now
"""

import os
import time

from boxship.kernel import cgroups
from boxship.model.errors import Invalid, NotFound
from boxship.runtime import documents
from boxship.runtime.spec import check_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_ROOT = "/run/boxship-runtime"
OCI_VERSION = "1.2.1"
FIFO = "exec.fifo"
FILE = "state.json"


class State:
    """One container, as state.json has it."""

    def __init__(self, directory: str, fields: "dict[str, Any]") -> None:
        """`fields` are runc's: id, init_process_pid, init_process_start, created, config ..."""
        self.directory = directory
        self.fields = fields
        self.id: str = fields["id"]
        self.pid: int = fields["init_process_pid"]
        self.start_time: int = fields["init_process_start"]
        self.created: str = fields["created"]
        self.bundle: str = fields["bundle"]
        self.spec: dict[str, Any] = fields["config"]
        self.rootfs: str = fields["rootfs"]
        self.group = cgroups.at(fields["cgroup_paths"]) if fields["cgroup_paths"] else None

    @property
    def fifo(self) -> str:
        """Where init waits for `start`."""
        return f"{self.directory}/{FIFO}"

    def is_alive(self) -> bool:
        """Whether the process is init, and not a zombie or another one with its number."""
        if not self.pid:
            return False
        state, start = process_stat(self.pid)
        return state not in ("", "Z", "X") and start == self.start_time

    def status(self) -> str:
        """creating, created, running, paused or stopped."""
        if not self.is_alive():
            return "stopped" if self.pid else "creating"
        if self.group is not None and self.group.is_frozen():
            return "paused"
        return "created" if os.path.exists(self.fifo) else "running"

    def document(self, status: str | None = None) -> "dict[str, Any]":
        """The state as runtime-spec runtime.md, "State", shows it."""
        status = status or self.status()
        document = {
            "ociVersion": self.spec.get("ociVersion", OCI_VERSION),
            "id": self.id,
            "pid": 0 if status == "stopped" else self.pid,
            "status": status,
            "bundle": self.bundle,
            "rootfs": self.rootfs,
            "created": self.created,
            "owner": "",
        }
        if self.spec.get("annotations"):
            document["annotations"] = self.spec["annotations"]
        return document


def process_stat(pid: int) -> tuple[str, int]:
    """(state letter, start time) of /proc/<pid>/stat, or ('', 0) if there is no such process."""
    try:
        text = documents.read(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    # The name in brackets may hold anything, brackets too.
    fields = text[text.rindex(b")") + 2 :].split()
    return fields[0].decode(), int(fields[19])


def load(container_id: str, root: str = DEFAULT_ROOT) -> State:
    """The state of a container, or NotFound."""
    check_id(container_id)
    directory = os.path.join(root, container_id)
    try:
        return State(directory, documents.parse(documents.read(f"{directory}/{FILE}"), FILE))
    except FileNotFoundError:
        raise NotFound(f"container {container_id!r} does not exist".replace("'", "")) from None
    except KeyError as error:
        raise Invalid(f"{directory}/{FILE} lacks {error}") from error


def save(directory: str, fields: "dict[str, Any]", config: bytes) -> None:
    """Write state.json: `fields`, and the spec in the very bytes that were checked."""
    head = documents.render(fields)
    content = head[:-1].encode() + b',"config":' + config.strip() + b"}"
    documents.replace(f"{directory}/{FILE}", content)


def ids(root: str = DEFAULT_ROOT) -> list[str]:
    """The containers below a root."""
    try:
        with os.scandir(root) as entries:
            return sorted(e.name for e in entries if os.path.exists(f"{e.path}/{FILE}"))
    except FileNotFoundError:
        return []


def timestamp(now_ns: int) -> str:
    """RFC 3339 with nanoseconds, as Go writes it."""
    seconds, nanoseconds = divmod(now_ns, 1_000_000_000)
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    fraction = f"{nanoseconds:09}".rstrip("0")
    return f"{clock}.{fraction}Z" if fraction else f"{clock}Z"
