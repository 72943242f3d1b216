"""Bundles: the directories of tasks."""

import os
from pathlib import Path

import pytest

from boxship.supervisor.bundle import Bundle, Death, bundles
from boxship.supervisor.status import Exists

ID = "f" * 64


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    deep = tmp_path / ("long-" * 12) / "tasks"  # longer than a socket's name may be
    made = Bundle(str(deep), "moby", ID)
    made.make(b'{"ociVersion": "1.2.0"}')
    return made


def test_a_bundle_has_spec_and_rootfs_and_is_roots(bundle: Bundle) -> None:
    assert sorted(os.listdir(bundle.path)) == ["config.json", "rootfs"]
    assert os.stat(bundle.path).st_mode & 0o777 == 0o700
    with pytest.raises(Exists):
        bundle.make(b"{}")


async def test_sockets_are_reached_however_long_the_path(bundle: Bundle) -> None:
    with bundle.listen() as listener, bundle.connect() as ours:
        theirs, _ = listener.accept()
        with theirs:
            ours.send(b"hello")
            assert theirs.recv(9) == b"hello"
    with pytest.raises(ConnectionRefusedError):
        bundle.connect()
    with bundle.listen(), bundle.connect():
        pass  # a stale socket was replaced


def test_notes_are_read_back(bundle: Bundle) -> None:
    assert (bundle.pid(), bundle.death(), bundle.bootstrap()) == (0, None, None)
    bundle.note_pid(42)
    bundle.note_bootstrap({"version": 3, "address": "unix:///x"})
    told = bundle.note_death()
    assert bundle.pid() == 42
    assert bundle.death() == told
    assert told.status == 137
    assert bundle.bootstrap() == {"version": 3, "address": "unix:///x"}


def test_an_end_that_the_shim_told_is_kept(bundle: Bundle) -> None:
    assert bundle.note_death(Death(3, 5)) == bundle.death() == Death(3, 5)


def test_a_note_that_was_cut_short_counts_as_none(bundle: Bundle) -> None:
    Path(bundle.path, "died.json").write_text('{"status": 13')
    assert bundle.death() is None


def test_bundles_are_found_and_removed(bundle: Bundle) -> None:
    tasks = os.path.dirname(os.path.dirname(bundle.path))
    assert [(b.namespace, b.id) for b in bundles(tasks)] == [("moby", ID)]
    bundle.remove()
    assert list(bundles(tasks)) == []
    assert list(bundles(tasks + "/nowhere")) == []


def test_files_below_rootfs_are_never_removed(bundle: Bundle) -> None:
    precious = Path(bundle.path, "rootfs", "precious")
    precious.write_text("data")
    with pytest.raises(Exception, match="not empty"):
        bundle.remove()
    assert precious.read_text() == "data"
