"""`boxship daemon`: one engine, its API on sockets, until a signal ends it."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import uvloop

from boxship.daemon import config as configs
from boxship.daemon import flags
from boxship.model.errors import BoxshipError, Conflict, Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxship.daemon.config import Config

log = logging.getLogger("boxship.daemon")

SWITCH_S = 0.001  # the loop waits for worker threads often, and shortly


def main(arguments: list[str]) -> int:
    """The program; returns its exit code."""
    if any(a in ("--help", "-h") for a in arguments):
        sys.stdout.write(flags.usage())
        return 0
    try:
        config = configs.load(arguments)
        if config.validate:
            sys.stderr.write("configuration OK\n")
            return 0
        if os.geteuid() != 0:
            raise Forbidden("the daemon needs to be started with root privileges", hint="use sudo")
        set_up_logging(config)
        sys.setswitchinterval(SWITCH_S)
        with pid_file(config.pidfile):
            uvloop.run(serve(config))
    except (BoxshipError, OSError) as e:
        sys.stderr.write(f"boxship daemon: {e}\n")
        return 1
    return 0


async def serve(config: Config) -> None:
    """Open the engine, serve, and close it in order."""
    from boxship.daemon.app import make_server
    from boxship.daemon.build import build_engine

    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    loop.add_signal_handler(signal.SIGHUP, _say_no_reload)
    engine = build_engine(config)
    try:
        await engine.open()
        server = make_server(engine)
        await server.listen(list(config.listen), config.group)
        gc.collect()
        gc.freeze()  # what lives now lives for ever: it need not be looked at again
        log.info("the API is served on %s", ", ".join(config.listen))
        await ending.wait()
        log.info("stopping: containers %s", "run on" if config.live_restore else "are stopped")
        await server.stop()
        _remove_sockets(config)
    finally:
        await engine.close()


def _say_no_reload() -> None:
    log.warning("SIGHUP: reading the configuration again is not there yet: restart the daemon")


def _remove_sockets(config: Config) -> None:
    for host in config.listen:
        if host.startswith("unix://"):
            with suppress(OSError):
                os.unlink(host.removeprefix("unix://"))


@contextmanager
def pid_file(path: str) -> Iterator[None]:
    """Hold the pid file, locked: two daemons never have the same one."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(fd, 32).decode().strip()
            raise Conflict(
                f"failed to start daemon: process with PID {owner} is still running",
                hint=f"it holds {path}; give this daemon its own with --pidfile",
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
        with suppress(FileNotFoundError):
            os.unlink(path)
    finally:
        os.close(fd)


_LEVELS = {
    "trace": "DEBUG", "debug": "DEBUG", "info": "INFO", "warn": "WARNING", "warning": "WARNING",
    "error": "ERROR", "fatal": "CRITICAL", "panic": "CRITICAL",
}  # fmt: skip


def set_up_logging(config: Config) -> None:
    """Lines on standard error, as text or JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if config.log_format == "json" else TextLines())
    level = "debug" if config.debug else config.log_level
    logging.basicConfig(level=_LEVELS[level], handlers=[handler])
    logging.getLogger("hpack").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _now(created: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))
    return f"{whole}.{int(created % 1 * 1_000_000):06d}Z"


class TextLines(logging.Formatter):
    """time=... level=... msg=..., as dockerd writes it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback when there is one."""
        head = f'time="{_now(record.created)}" level={record.levelname.lower()}'
        text = f"{head} msg={json.dumps(record.getMessage(), ensure_ascii=False)}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """A traceback is a field."""
        line = {
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            "time": _now(record.created),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
