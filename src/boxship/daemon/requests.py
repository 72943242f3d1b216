"""What is asked of the engine, as values: the routes parse bytes into these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """`docker create`: the documents have Docker's (Go's) field names."""

    name: str | None
    config: dict[str, Any]
    host_config: dict[str, Any] = field(default_factory=dict)
    networking_config: dict[str, Any] = field(default_factory=dict)  # {"EndpointsConfig": {...}}
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """`docker attach`: which streams, whether live (`stream`), whether the past first (`logs`)."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    stream: bool = True
    logs: bool = False
    detach_keys: str | None = None


@dataclass(frozen=True, slots=True)
class ExecStart:
    """`docker exec`, second half."""

    detach: bool = False
    tty: bool = False
    console_size: tuple[int, int] | None = None  # height, width
