"""What a hostile root, or a hostile neighbour in a volume, does to whoever reads and copies."""

import errno
import os
import stat
from pathlib import Path

import pytest

from boxship.storage import trees
from boxship.storage.roots import Root


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A root whose /v goes into a volume."""
    for name in ("image/v/a", "image/v/b", "image/etc", "outside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "image/v/a/file").write_text("a")
    (tmp_path / "image/v/b/file").write_text("b")
    (tmp_path / "outside/file").write_text("mine")
    return tmp_path / "image"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    return made


def copy(image: Path, volume: Path) -> None:
    with Root(str(image)) as root:
        root.copy_out("/v", str(volume))


@pytest.mark.parametrize("link", ["../outside", "{outside}"])
def test_a_neighbours_link_in_the_volume_leads_nowhere(
    image: Path, volume: Path, link: str
) -> None:
    """The volume was empty when it was looked at; another container made the links since."""
    outside = image.parent / "outside"
    before = outside.stat()
    (volume / "a").symlink_to(link.format(outside=outside))
    copy(image, volume)
    assert (outside / "file").read_text() == "mine"
    assert (outside.stat().st_mode, outside.stat().st_mtime) == (before.st_mode, before.st_mtime)
    assert (volume / "a").is_symlink()
    assert (volume / "b/file").read_text() == "b"


def test_a_neighbours_file_stays(image: Path, volume: Path) -> None:
    (image / "v/file").write_text("of the image")
    (volume / "file").symlink_to(image.parent / "outside/file")
    copy(image, volume)
    assert (image.parent / "outside/file").read_text() == "mine"


def test_everything_is_copied(image: Path, volume: Path) -> None:
    (image / "v/link").symlink_to("a/file")
    os.link(image / "v/a/file", image / "v/b/again")
    os.mkfifo(image / "v/fifo")
    (image / "v/fifo").chmod(0o620)
    (image / "v/program").write_text("x")
    (image / "v/program").chmod(0o4755)
    os.utime(image / "v/b", (5, 7))
    (image / "v").chmod(0o1777)
    copy(image, volume)
    assert os.readlink(volume / "link") == "a/file"
    assert (volume / "a/file").samefile(volume / "b/again")
    assert (volume / "a/file").read_text() == "a"
    assert stat.filemode((volume / "fifo").stat().st_mode) == "prw--w----"
    assert stat.filemode((volume / "program").stat().st_mode) == "-rwsr-xr-x"
    assert (volume / "b").stat().st_mtime == 7
    assert stat.filemode(volume.stat().st_mode) == "drwxrwxrwt"


def test_a_deep_tree_is_copied(image: Path, volume: Path) -> None:
    deep = str(image / "v")
    for _ in range(1500):
        deep += "/d"
        os.mkdir(deep)
    copy(image, volume)
    assert os.path.isdir(f"{volume}{'/d' * 1500}")
    for path in (image, volume):  # pytest's own clean-up is recursive
        trees.remove_tree(str(path))


def test_only_a_regular_file_is_read(image: Path) -> None:
    os.mkfifo(image / "etc/fifo")
    (image / "etc/folder").mkdir()
    (image / "etc/loop").symlink_to("loop")
    (image / "etc/out").symlink_to("../../outside/file")
    (image / "etc/in").symlink_to("/v/a/file")
    before = os.listdir("/proc/self/fd")
    with Root(str(image)) as root:
        for name in ("fifo", "folder", "loop", "out", "missing", "in/file"):
            assert root.read_file(f"/etc/{name}") is None
        assert root.read_file("/etc/in") == b"a"
    assert os.listdir("/proc/self/fd") == before


def test_a_huge_file_is_read_in_part(image: Path) -> None:
    with (image / "etc/passwd").open("wb") as file:
        file.truncate(10 << 30)
    with Root(str(image)) as root:
        found = root.read_file("/etc/passwd")
    assert found == bytes(4 << 20)


def test_a_full_disk_is_told(image: Path, volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "sendfile", full)
    with pytest.raises(OSError, match="no space"):
        copy(image, volume)
