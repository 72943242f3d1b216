"""A container as the daemon knows it: its record, its state, and who waits for it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from boxship.daemon.attach import Attaching
from boxship.model import container as states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxship.daemon.exec import Exec
    from boxship.daemon.waits import Waits

NEVER_NS = 0


@dataclass(slots=True)
class State:
    """Where a container stands; changed by the verbs only, stored at every change."""

    status: str = states.CREATED
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_at_ns: int = NEVER_NS
    finished_at_ns: int = NEVER_NS
    restart_count: int = 0
    stopped_by_hand: bool = False
    started_before: bool = False

    @property
    def running(self) -> bool:
        """Whether its program runs, or soon will again (Docker counts paused and restarting)."""
        return self.status in (states.RUNNING, states.PAUSED, states.RESTARTING)

    @property
    def alive(self) -> bool:
        """Whether there is a process now."""
        return self.status in (states.RUNNING, states.PAUSED)

    @property
    def paused(self) -> bool:
        """Whether it is frozen."""
        return self.status == states.PAUSED

    @property
    def restarting(self) -> bool:
        """Whether it waits for its next start."""
        return self.status == states.RESTARTING

    @property
    def dead(self) -> bool:
        """Whether its removal failed half way."""
        return self.status == states.DEAD

    @property
    def removing(self) -> bool:
        """Whether it is being removed."""
        return self.status == states.REMOVING

    def move(self, name: str) -> None:
        """Make a move of the table in model/container.py."""
        self.status = states.moved(self.status, name)

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {name: getattr(self, name) for name in _FIELDS[type(self)]}


@dataclass(slots=True)
class Record:
    """What `create` decided; the document never changes, but for name and networks."""

    id: str
    name: str
    created_ns: int
    image_id: str
    image_ref: str
    config: dict[str, Any]
    host_config: dict[str, Any]
    networking: dict[str, Any]
    path: str
    args: list[str]
    platform: str
    top_layer: str | None
    log_path: str
    mounts: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {name: getattr(self, name) for name in _FIELDS[type(self)]}


# Not dataclasses.asdict, which copies every document that is in there.
_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in (Record, State)}


class Container:
    """One container: `record` and `state` are stored, the rest lives with this process."""

    driver = "overlay2"

    def __init__(self, record: Record, state: State, waits: Waits) -> None:
        """A container known from its record; nothing runs because of this."""
        self.record = record
        self.state = state
        self.waits = waits
        self.work = asyncio.Lock()
        self.network_settings: dict[str, Any] = {}
        self.execs: dict[str, Exec] = {}
        self.attaching = Attaching()
        self.keepers = 0  # verbs under way that keep it
        self.restart: asyncio.Task[None] | None = None
        self.backoff_s = 0.0

    @property
    def keep(self) -> bool:
        """Whether neither a policy nor --rm acts on its end, since a verb will."""
        return self.keepers > 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep it meanwhile; several verbs may, and the last one to end lets go."""
        self.keepers += 1
        try:
            yield
        finally:
            self.keepers -= 1

    @property
    def id(self) -> str:
        """64 hex digits."""
        return self.record.id

    @property
    def name(self) -> str:
        """Its name, without Docker's leading slash."""
        return self.record.name

    @property
    def created_ns(self) -> int:
        """When it was made."""
        return self.record.created_ns

    @property
    def image_id(self) -> str:
        """Its image, `sha256:...`."""
        return self.record.image_id

    @property
    def image_ref(self) -> str:
        """Its image as it was asked for."""
        return self.record.image_ref

    @property
    def config(self) -> dict[str, Any]:
        """Docker's Config, merged with the image's."""
        return self.record.config

    @property
    def host_config(self) -> dict[str, Any]:
        """Docker's HostConfig, with all defaults filled in."""
        return self.record.host_config

    @property
    def networking(self) -> dict[str, Any]:
        """Network name -> EndpointSettings, as asked."""
        return self.record.networking

    @property
    def path(self) -> str:
        """The program."""
        return self.record.path

    @property
    def args(self) -> list[str]:
        """Its arguments."""
        return self.record.args

    @property
    def platform(self) -> str:
        """The operating system of its image."""
        return self.record.platform

    @property
    def log_path(self) -> str:
        """Its json-file log, or ''."""
        return self.record.log_path

    @property
    def mounts(self) -> list[dict[str, Any]]:
        """Its mount points, as inspect shows them."""
        return self.record.mounts

    @property
    def restart_count(self) -> int:
        """How often the restart policy started it."""
        return self.state.restart_count

    @property
    def exec_ids(self) -> list[str]:
        """The execs that run or wait to be started."""
        return [e.id for e in self.execs.values() if not e.ended]

    @property
    def tty(self) -> bool:
        """Whether it has a terminal."""
        return bool(self.config.get("Tty"))

    @property
    def auto_remove(self) -> bool:
        """`--rm`."""
        return bool(self.host_config.get("AutoRemove"))
