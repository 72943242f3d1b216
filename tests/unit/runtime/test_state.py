import os
from pathlib import Path

import pytest

from boxship.model.errors import NotFound
from boxship.runtime import state
from boxship.runtime.process import environment, home_of


def fields(pid: int, start: int) -> dict[str, object]:
    return {
        "id": "x", "init_process_pid": pid, "init_process_start": start, "created": "now",
        "bundle": "/b", "rootfs": "/b/rootfs", "cgroup_paths": {}, "namespace_paths": {},
    }  # fmt: skip


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    directory = tmp_path / "x"
    directory.mkdir()
    state.save(str(directory), fields(os.getpid(), 1), b' {"annotations": {"a": "b"}} \n')
    loaded = state.load("x", str(tmp_path))
    assert loaded.spec == {"annotations": {"a": "b"}}
    assert state.ids(str(tmp_path)) == ["x"]
    assert loaded.document()["annotations"] == {"a": "b"}


def test_the_start_time_tells_a_process_from_another_with_its_number(tmp_path: Path) -> None:
    directory = tmp_path / "x"
    directory.mkdir()
    for start, status in ((state.process_stat(os.getpid())[1], "running"), (1, "stopped")):
        state.save(str(directory), fields(os.getpid(), start), b"{}")
        assert state.load("x", str(tmp_path)).status() == status
    (directory / state.FIFO).touch()
    state.save(str(directory), fields(os.getpid(), state.process_stat(os.getpid())[1]), b"{}")
    assert state.load("x", str(tmp_path)).status() == "created"
    state.save(str(directory), fields(0, 0), b"{}")
    assert state.load("x", str(tmp_path)).status() == "creating"


def test_nobody_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="container nobody does not exist"):
        state.load("nobody", str(tmp_path))
    assert state.ids(str(tmp_path / "no")) == []


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (1_700_000_000_000_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"),
        (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
    ],
)
def test_times_are_written_as_go_writes_them(now: int, text: str) -> None:
    assert state.timestamp(now) == text


def test_home_is_what_the_image_s_passwd_says(tmp_path: Path) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text(
        "root:x:0:0::/root:/bin/sh\nbroken\napp:x:7:7::/srv/app:/bin/sh\nn:x:8:8:::\n"
    )
    assert home_of(7, str(passwd)) == "/srv/app"
    assert home_of(8, str(passwd)) == home_of(9, str(passwd)) == "/"


def test_a_passwd_that_is_no_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "passwd")
    assert home_of(0, str(tmp_path / "passwd")) == home_of(0, str(tmp_path)) == "/"


def test_of_two_settings_the_later_counts() -> None:
    env = environment({"env": ["A=1", "B=x=y", "A=2", "=z", "C"]})
    assert env == {"A": "2", "B": "x=y", "C": ""}
