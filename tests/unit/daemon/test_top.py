"""top: the rows of ps that are the container's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from boxship.daemon import top
from boxship.daemon.top import table
from boxship.model.errors import System

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_column_may_have_spaces() -> None:
    found = table("  PID COMMAND\n    7 sleep 100\n    8 sleep 200\n", {7})
    assert found == {"Titles": ["PID", "COMMAND"], "Processes": [["7", "sleep 100"]]}


def test_spaces_before_the_pid_are_refused_in_dockers_words() -> None:
    with pytest.raises(System, match="Unexpected pid '100 7'"):
        table("COMMAND PID\nsleep 100 7\n", {7})


async def test_a_ps_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "ps").write_text(f"#!/bin/sh\necho $$ >{pid}\nexec sleep 1000\n")
    (tmp_path / "ps").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(top, "PS_LIMIT_S", 0.5)
    with pytest.raises(System, match=r"ps -ef did not end within 0\.5 s: ask for fewer columns"):
        await top._ps(["-ef"])
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
