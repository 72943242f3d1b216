"""An exec instance: `GET /exec/{id}/json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boxship.daemon.exec import Exec


def inspect(command: Exec) -> dict[str, Any]:
    """What was asked for, and how far it is."""
    config = command.config
    words = config.get("Cmd") or [""]
    process: dict[str, Any] = {
        "tty": bool(config.get("Tty")),
        "entrypoint": words[0],
        "arguments": words[1:],
        "privileged": bool(config.get("Privileged")),
    }
    if config.get("User"):
        process["user"] = config["User"]
    return {
        "ID": command.id,
        "Running": command.running,
        "ExitCode": command.exit_code,
        "ProcessConfig": process,
        "OpenStdin": bool(config.get("AttachStdin")),
        "OpenStderr": bool(config.get("AttachStderr")),
        "OpenStdout": bool(config.get("AttachStdout")),
        "CanRemove": False,
        "ContainerID": command.container.id,
        "DetachKeys": config.get("DetachKeys") or "",
        "Pid": command.pid,
    }
