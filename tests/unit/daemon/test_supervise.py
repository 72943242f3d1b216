"""Keeping a supervisor, on a host that is out of something."""

from __future__ import annotations

import asyncio
import errno
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from boxship.daemon.supervise import Supervise

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_supervisor_that_cannot_be_started_costs_no_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_processes(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", out_of_processes)
    config = SimpleNamespace(
        supervisor_socket=f"{tmp_path}/s.sock",
        data_root=str(tmp_path),
        exec_root=str(tmp_path),
        debug=False,
        log_level="info",
        log_format="text",
    )
    supervise = Supervise(cast("Any", config), cast("Any", None))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(BlockingIOError):
        await supervise._spawn()
    assert os.listdir("/proc/self/fd") == before
