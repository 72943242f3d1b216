"""The rehearsal of a birth plans what a container gets, and leaves the host alone."""

import os
from pathlib import Path

from boxship.runtime.spec import load
from boxship.shim import dress


def test_it_can_be_played_again_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        dress.plan(str(tmp_path))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "config.json",
        "groups",
        "seccomp",
        "state",
    ]
    assert [entry.name for entry in (tmp_path / "state").iterdir()] == ["state.json"]


def test_a_stage_without_a_path_is_enough(tmp_path: Path) -> None:
    stage = os.open(tmp_path, os.O_PATH)
    dress.plan(f"/proc/self/fd/{stage}")
    os.close(stage)
    assert (tmp_path / "state/state.json").exists()


def test_its_document_is_one_that_needs_no_creator(tmp_path: Path) -> None:
    dress.plan(str(tmp_path))
    assert {"pid", "mount"} <= load(str(tmp_path)).namespaces.new
