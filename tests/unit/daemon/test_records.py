"""What is written down is there again, whole, and half-made things are known as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.daemon.container import State
from boxship.daemon.records import Records
from suites.engine_records import record

if TYPE_CHECKING:
    from pathlib import Path


def test_a_container_is_loaded_as_it_was_left(tmp_path: Path) -> None:
    path = str(tmp_path / "daemon.db")
    records = Records(path)
    web, state = record("web1"), State()
    records.claim(record("half"), State())
    records.ready(web, state)
    state.move("start")
    state.pid = 7
    records.save_all(web.id, state, {"Networks": {}})
    web.name = "web2"
    records.rename(web)
    records.close()

    found = {r.name: (r, s, network, ready) for r, s, network, ready in Records(path).load()}
    assert found["web2"] == (web, state, {"Networks": {}}, True)
    assert found["half"][3] is False


def test_a_deleted_one_is_gone_and_the_engines_id_stays(tmp_path: Path) -> None:
    records = Records(str(tmp_path / "daemon.db"))
    records.ready(record("web1"), State())
    records.delete(record("web1").id)
    assert records.load() == []
    assert records.remember("id", "a") == records.remember("id", "b") == "a"
