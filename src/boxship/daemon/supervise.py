"""The supervisor as a child of the daemon: started, watched, started again when it ends.

It goes its own way when the daemon does: it and the shims are found again at the next start.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from boxship.model.errors import Unavailable

if TYPE_CHECKING:
    from boxship.daemon.config import Config
    from boxship.daemon.tasks import Tasks

log = logging.getLogger(__name__)

READY_TIMEOUT_S = 20.0
PAUSE_S = 0.2
STOP_TIMEOUT_S = 5.0


class Supervise:
    """Keeps one supervisor serving; with --containerd it only watches that one."""

    def __init__(self, config: Config, tasks: Tasks) -> None:
        """Nothing runs yet."""
        self._config = config
        self._tasks = tasks
        self._child: asyncio.subprocess.Process | None = None
        self._adopted: Adopted | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The supervisor's pid, when it is ours."""
        ours = self._child or self._adopted
        return ours.pid if ours else None

    async def start(self) -> None:
        """Return when it serves: one that an earlier daemon left, or a new child."""
        if self._config.containerd:
            await self._find()
        else:
            self._adopted = await self._adopt()
            if self._adopted is None:
                await self._spawn()
        self._tasks.serving.set()
        watch = self._watch_other() if self._config.containerd else self._watch_ours()
        self._watch = asyncio.create_task(watch, name="supervise")

    async def stop(self) -> None:
        """End the supervisor in order; shims and containers stay."""
        self._tasks.serving.clear()
        if self._watch:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        ours = self._child or self._adopted
        if ours is None:
            return
        with suppress(ProcessLookupError):
            ours.terminate()
        try:
            await asyncio.wait_for(ours.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                ours.kill()
            await ours.wait()

    async def _adopt(self) -> Adopted | None:
        pid = serving_pid(self._config.supervisor_socket)
        if pid is None:
            return None
        try:
            await self._tasks.version()
            found = Adopted(pid)
        except (OSError, Unavailable):
            return None
        log.info("the supervisor of an earlier daemon (pid %s) serves: taken over", pid)
        return found

    async def _find(self) -> None:
        try:
            await self._tasks.version()
        except (OSError, Unavailable) as e:
            raise Unavailable(
                f"failed to dial containerd at {self._config.containerd}: {e}",
                hint="start it, or leave out --containerd",
            ) from e

    async def _spawn(self) -> None:
        config = self._config
        address = config.supervisor_socket
        os.makedirs(os.path.dirname(address), mode=0o711, exist_ok=True)
        reading, writing = os.pipe()
        command = [
            sys.executable, "-m", "boxship", "supervisor",
            "--root", f"{config.data_root}/containerd",
            "--state", f"{config.exec_root}/containerd/state",
            "--address", address,
            "--log-level", "debug" if config.debug else config.log_level,
            "--log-format", config.log_format,
        ]  # fmt: skip
        try:
            try:
                self._child = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(writing,),
                    env={**os.environ, "BOXSHIP_READY_FD": str(writing)},
                    start_new_session=True,
                )
            finally:
                os.close(writing)
            await self._ready(reading)
        finally:
            os.close(reading)

    async def _ready(self, fd: int) -> None:
        assert self._child is not None
        os.set_blocking(fd, False)
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(fd, readable.set)
        try:
            await asyncio.wait_for(readable.wait(), READY_TIMEOUT_S)
            if os.read(fd, 64):
                return
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._child.kill()
        finally:
            loop.remove_reader(fd)
        code = await self._child.wait()
        raise Unavailable(
            f"the supervisor did not start (it ended with {code})",
            hint="its own message is above, in the daemon's log",
        )

    async def _watch_ours(self) -> None:
        while ours := self._child or self._adopted:
            code = await ours.wait()
            self._tasks.serving.clear()
            log.warning("the supervisor ended with %s: starting it again", code)
            self._adopted = None
            await self._again()

    async def _again(self) -> None:
        pause = PAUSE_S
        while True:
            try:
                await self._spawn()
            except (Unavailable, OSError) as e:
                log.warning("%s", e)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)
            else:
                self._tasks.serving.set()
                return

    async def _watch_other(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                await self._tasks.version()
            except (OSError, Unavailable):
                self._tasks.serving.clear()
            else:
                self._tasks.serving.set()


class Adopted:
    """A supervisor that is not our child: waited for and signalled by a pidfd."""

    def __init__(self, pid: int) -> None:
        """OSError when it is gone already."""
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    async def wait(self) -> int | None:
        """Return when it ended; its exit code is its parent's to know."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(self._fd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._fd)
        return None

    def terminate(self) -> None:
        """SIGTERM."""
        signal.pidfd_send_signal(self._fd, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        signal.pidfd_send_signal(self._fd, signal.SIGKILL)

    def __del__(self) -> None:
        os.close(self._fd)


def serving_pid(address: str) -> int | None:
    """Who listens on a unix socket, or None."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
        except OSError:
            return None
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("iII", credentials)[0])
