"""Volumes on a disk where other things lie about, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from boxship.daemon.volumes import Volumes
from boxship.model.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path


def names(volumes: Volumes) -> list[str]:
    return [volume["Name"] for volume in volumes.list()]


def test_what_is_no_volume_hides_no_other(tmp_path: Path) -> None:
    volumes = Volumes(str(tmp_path))
    volumes.create("data", "", None, None)
    (tmp_path / "lost+found").mkdir()  # of a disk of its own
    assert names(volumes) == ["data"]


def test_a_volume_that_was_half_removed_can_be_removed_or_made_again(tmp_path: Path) -> None:
    volumes = Volumes(str(tmp_path))
    for name in ("data", "half"):
        volumes.create(name, "", None, None)
    (tmp_path / "half" / "_data").rmdir()  # killed in the middle of it
    assert names(volumes) == ["data"]
    volumes.create("half", "", None, None)
    assert names(volumes) == ["data", "half"]
    (tmp_path / "half" / "_data").rmdir()
    volumes.remove("half")
    with pytest.raises(NotFound, match="get half: no such volume"):
        volumes.remove("half")
