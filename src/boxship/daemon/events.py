"""Docker's events: what happened, when; the last ones are kept for `--since`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from boxship.daemon.container import Container

KEPT = 1024
SLOW_READER = 4096

Event = dict[str, Any]


@dataclass
class Events:
    """The log of one engine: publish, subscribe, replay."""

    clock: Callable[[], int] = time.time_ns
    _past: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    _readers: set[asyncio.Queue[Event | None]] = field(default_factory=set)

    def publish(self, kind: str, action: str, actor: str, attributes: dict[str, str]) -> None:
        """Tell everyone; the attributes are sorted as Docker's JSON has them."""
        now = self.clock()
        event: Event = {}
        if kind in ("container", "image"):
            event = {"status": action, "id": actor}
            if "image" in attributes and kind == "container":
                event["from"] = attributes["image"]
        event |= {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": actor, "Attributes": dict(sorted(attributes.items()))},
            "scope": "local",
            "time": now // 1_000_000_000,
            "timeNano": now,
        }
        self._past.append(event)
        for reader in list(self._readers):
            if reader.qsize() < SLOW_READER:
                reader.put_nowait(event)
            else:  # it does not read: it is told that it missed something by the end of its stream
                self._readers.discard(reader)
                reader.put_nowait(None)

    def container(self, container: Container, action: str, **attributes: str) -> None:
        """An event on a container, with its labels, image and name."""
        labels = container.config.get("Labels") or {}
        about = {**labels, "image": container.image_ref, "name": container.name, **attributes}
        self.publish("container", action, container.id, about)

    def past(self, since_ns: int, until_ns: int | None = None) -> list[Event]:
        """What is still known of a span of time."""
        return [
            e
            for e in self._past
            if e["timeNano"] >= since_ns and (until_ns is None or e["timeNano"] <= until_ns)
        ]

    @property
    def listeners(self) -> int:
        """How many read."""
        return len(self._readers)

    def subscribe(
        self, since_ns: int | None = None, until_ns: int | None = None
    ) -> AsyncIterator[Event]:
        """The past from `since_ns` on, then what happens, up to `until_ns`; registered at once."""
        reader: asyncio.Queue[Event | None] = asyncio.Queue()
        past = self.past(since_ns or 0, until_ns) if since_ns is not None else []
        self._readers.add(reader)
        return self._read(reader, past, until_ns)

    async def _read(
        self, reader: asyncio.Queue[Event | None], past: list[Event], until_ns: int | None
    ) -> AsyncIterator[Event]:
        try:
            for event in past:
                yield event
            while True:
                left = None if until_ns is None else (until_ns - self.clock()) / 1e9
                if left is not None and left <= 0:
                    return
                try:
                    news = await asyncio.wait_for(reader.get(), left)
                except TimeoutError:
                    return
                if news is None:
                    return
                yield news
        finally:
            self._readers.discard(reader)
