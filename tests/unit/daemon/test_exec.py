"""exec: what a container may make slow is done beside everything else."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

import pytest

from boxship.daemon import exec as execs
from boxship.daemon.container import Container, State
from boxship.daemon.waits import Waits
from boxship.model import container as states
from boxship.model.errors import Conflict
from suites.engine_records import record

ASKED = {"Cmd": ["id"], "User": "somebody"}


@pytest.fixture
def c() -> Container:
    return Container(record("aaaa"), State(status=states.RUNNING), Waits())


@pytest.fixture
def parts() -> SimpleNamespace:
    return SimpleNamespace(in_thread=asyncio.to_thread, events=MagicMock())


async def test_the_containers_own_tables_are_not_read_on_the_event_loop(
    c: Container,
    parts: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = []
    monkeypatch.setattr(execs, "_user", lambda *_: threads.append(threading.current_thread()))
    made = await execs.create(cast("Any", parts), c, dict(ASKED))
    assert c.execs == {made.id: made}
    assert threads
    assert threading.main_thread() not in threads


async def test_a_container_that_ends_while_its_tables_are_read_has_no_exec(
    c: Container,
    parts: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execs, "_user", lambda *_: c.state.move("exit"))
    with pytest.raises(Conflict, match="is not running"):
        await execs.create(cast("Any", parts), c, dict(ASKED))
    assert not c.execs
