"""containerd's Task API and task events, as far as a shim speaks them: tables of fields.

The same facts as api/shim/task.proto, for the small codec of wire/protobuf.py; a test compares.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.wire.protobuf import Schema

ANY = {"type_url": (1, str), "value": (2, bytes)}
TIMESTAMP = {"seconds": (1, int), "nanos": (2, int)}
MOUNT = {"type": (1, str), "source": (2, str), "target": (3, str), "options": (4, [str])}

TASK_SERVICE = "containerd.task.v2.Task"
_ID = {"id": (1, str)}
_ID_EXEC = {"id": (1, str), "exec_id": (2, str)}
_EMPTY: "Schema" = {}
_EXITED = {"exit_status": (1, int), "exited_at": (2, TIMESTAMP)}
_DELETED = {"pid": (1, int), "exit_status": (2, int), "exited_at": (3, TIMESTAMP)}
_PID = {"pid": (1, int)}

REQUESTS: "dict[str, Schema]" = {
    "State": _ID_EXEC,
    "Create": {
        "id": (1, str),
        "bundle": (2, str),
        "rootfs": (3, [MOUNT]),
        "terminal": (4, bool),
        "stdin": (5, str),
        "stdout": (6, str),
        "stderr": (7, str),
        "checkpoint": (8, str),
        "parent_checkpoint": (9, str),
        "options": (10, ANY),
    },
    "Start": _ID_EXEC,
    "Delete": _ID_EXEC,
    "Pids": _ID,
    "Pause": _ID,
    "Resume": _ID,
    "Kill": {"id": (1, str), "exec_id": (2, str), "signal": (3, int), "all": (4, bool)},
    "Exec": {
        "id": (1, str),
        "exec_id": (2, str),
        "terminal": (3, bool),
        "stdin": (4, str),
        "stdout": (5, str),
        "stderr": (6, str),
        "spec": (7, ANY),
    },
    "ResizePty": {"id": (1, str), "exec_id": (2, str), "width": (3, int), "height": (4, int)},
    "CloseIO": {"id": (1, str), "exec_id": (2, str), "stdin": (3, bool)},
    "Update": {"id": (1, str), "resources": (2, ANY)},
    "Wait": _ID_EXEC,
    "Stats": _ID,
    "Connect": _ID,
    "Shutdown": {"id": (1, str), "now": (2, bool)},
}

RESPONSES: "dict[str, Schema]" = {
    "State": {
        "id": (1, str),
        "bundle": (2, str),
        "pid": (3, int),
        "status": (4, int),
        "stdin": (5, str),
        "stdout": (6, str),
        "stderr": (7, str),
        "terminal": (8, bool),
        "exit_status": (9, int),
        "exited_at": (10, TIMESTAMP),
        "exec_id": (11, str),
    },
    "Create": _PID,
    "Start": _PID,
    "Delete": _DELETED,
    "Pids": {"processes": (1, [{"pid": (1, int), "info": (2, ANY)}])},
    "Pause": _EMPTY,
    "Resume": _EMPTY,
    "Kill": _EMPTY,
    "Exec": _EMPTY,
    "ResizePty": _EMPTY,
    "CloseIO": _EMPTY,
    "Update": _EMPTY,
    "Wait": _EXITED,
    "Stats": {"stats": (1, ANY)},
    "Connect": {"shim_pid": (1, int), "task_pid": (2, int), "version": (3, str)},
    "Shutdown": _EMPTY,
}

# containerd.v1.types.Status
UNKNOWN, CREATED, RUNNING, STOPPED, PAUSED = 0, 1, 2, 3, 4

RUNC_OPTIONS = {
    "no_pivot_root": (1, bool),
    "no_new_keyring": (2, bool),
    "shim_cgroup": (3, str),
    "io_uid": (4, int),
    "io_gid": (5, int),
    "binary_name": (6, str),
    "root": (7, str),
    "systemd_cgroup": (9, bool),
}
PROCESS_DETAILS = {"exec_id": (1, str)}

EVENTS_SERVICE = "containerd.services.events.ttrpc.v1.Events"
FORWARD = {
    "envelope": (
        1,
        {
            "timestamp": (1, TIMESTAMP),
            "namespace": (2, str),
            "topic": (3, str),
            "event": (4, ANY),
        },
    )
}

_TASK_IO = {"stdin": (1, str), "stdout": (2, str), "stderr": (3, str), "terminal": (4, bool)}
_CONTAINER = {"container_id": (1, str)}

# Topic -> name of the message, and its fields.
EVENTS: "dict[str, tuple[str, Schema]]" = {
    "/tasks/create": (
        "TaskCreate",
        {
            "container_id": (1, str),
            "bundle": (2, str),
            "rootfs": (3, [MOUNT]),
            "io": (4, _TASK_IO),
            "checkpoint": (5, str),
            "pid": (6, int),
        },
    ),
    "/tasks/start": ("TaskStart", {"container_id": (1, str), "pid": (2, int)}),
    "/tasks/delete": (
        "TaskDelete",
        {
            "container_id": (1, str),
            "pid": (2, int),
            "exit_status": (3, int),
            "exited_at": (4, TIMESTAMP),
            "id": (5, str),
        },
    ),
    "/tasks/exit": (
        "TaskExit",
        {
            "container_id": (1, str),
            "id": (2, str),
            "pid": (3, int),
            "exit_status": (4, int),
            "exited_at": (5, TIMESTAMP),
        },
    ),
    "/tasks/oom": ("TaskOOM", _CONTAINER),
    "/tasks/exec-added": ("TaskExecAdded", {"container_id": (1, str), "exec_id": (2, str)}),
    "/tasks/exec-started": (
        "TaskExecStarted",
        {"container_id": (1, str), "exec_id": (2, str), "pid": (3, int)},
    ),
    "/tasks/paused": ("TaskPaused", _CONTAINER),
    "/tasks/resumed": ("TaskResumed", _CONTAINER),
}


def timestamp(ns: int) -> dict[str, int] | None:
    """google.protobuf.Timestamp of nanoseconds since 1970; 0 is none."""
    return {"seconds": ns // 1_000_000_000, "nanos": ns % 1_000_000_000} if ns else None
