"""Where a process' streams go: to a shim of ours that logs and serves an attach socket, or FIFOs.

ProcessIO is what the verbs need of either; `Streams` is one attached client's end.

    daemon                              shim
      connect(attach socket) ─────────▶
      {"stdin":..,"stdout":..}\\n ─────▶  header, one line
      bytes for stdin ───────────────▶
                      ◀──────────────  frames, or raw bytes of a terminal; shut down at the end
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

from boxship.daemon.tasks import Stdio

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_DIGITS = 20  # of 64: keeps the paths of sockets under their limit of 107 bytes
CHUNK = 64 << 10


@dataclass(frozen=True, slots=True)
class LogTarget:
    """The log of a container; path '' for none."""

    path: str = ""
    max_size: int = -1
    max_file: int = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which streams an attached client wants."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    close_stdin: bool = False


class Streams(Protocol):
    """A client's end of a process' streams."""

    async def read(self) -> bytes:
        """The next output, or b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Input for the process."""

    def write_eof(self) -> None:
        """No more input from this client."""

    def close(self) -> None:
        """Leave; the process goes on."""


class ProcessIO(Protocol):
    """How processes of one kind of shim are connected."""

    def make(self, key: str, *, terminal: bool, stdin: bool, log: LogTarget) -> Stdio:
        """Prepare the streams of a process before it is made."""

    async def attach(self, key: str, wanted: Wanted) -> Streams:
        """A client's end; every byte is seen when it is there before the process starts."""

    def take_up(self, key: str, *, terminal: bool, stdin: bool, log: LogTarget) -> None:
        """Go on with the streams of a process that an earlier daemon made."""

    def drop(self, key: str) -> None:
        """The process is gone: remove what `make` made."""

    def is_kept(self, key: str) -> bool:
        """Whether who keeps the streams of a process is still there, ended or not."""

    def sweep(self, living: Iterable[str]) -> None:
        """Remove what belongs to no living process."""


class ShimIO:
    """Streams kept by our shim: they survive this daemon, so there is nothing to take up."""

    def __init__(self, folder: str) -> None:
        """Sockets are in `folder`."""
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key[:KEY_DIGITS]}"

    def make(self, key: str, *, terminal: bool, stdin: bool, log: LogTarget) -> Stdio:
        """See ProcessIO."""
        query = {"driver": "json-file" if log.path else "none", "attach": self._path(key)}
        if log.path and log.max_size > 0:
            query |= {"max-size": str(log.max_size), "max-file": str(log.max_file)}
        if stdin:
            query["stdin"] = "1"
        return Stdio(stdout=f"boxship-io://{log.path}?{urlencode(query)}", terminal=terminal)

    async def attach(self, key: str, wanted: Wanted) -> Streams:
        """See ProcessIO."""
        reader, writer = await asyncio.open_unix_connection(self._path(key), limit=CHUNK)
        header = {
            "stdin": wanted.stdin,
            "stdout": wanted.stdout,
            "stderr": wanted.stderr,
            "close_stdin": wanted.close_stdin,
        }
        writer.write(json.dumps(header).encode() + b"\n")
        return SocketStreams(reader, writer)

    def take_up(self, key: str, *, terminal: bool, stdin: bool, log: LogTarget) -> None:
        """See ProcessIO."""

    def drop(self, key: str) -> None:
        """See ProcessIO."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(key))

    def is_kept(self, key: str) -> bool:
        """See ProcessIO: a shim listens until its task is deleted."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self._path(key)) == 0

    def sweep(self, living: Iterable[str]) -> None:
        """See ProcessIO."""
        kept = {key[:KEY_DIGITS] for key in living}
        for name in os.listdir(self._folder):
            if name not in kept:
                with suppress(FileNotFoundError):
                    os.unlink(f"{self._folder}/{name}")


class SocketStreams:
    """Streams over a shim's attach socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The header was written already."""
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """See Streams."""
        try:
            return await self._reader.read(CHUNK)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        """See Streams."""
        self._writer.write(data)
        await self._writer.drain()

    def write_eof(self) -> None:
        """See Streams."""
        with suppress(OSError):
            self._writer.write_eof()

    def close(self) -> None:
        """See Streams."""
        self._writer.close()
