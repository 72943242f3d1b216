"""Paths in a hostile root: what is found and made is inside it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.runtime import inside


@pytest.fixture
def root(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    fd = os.open(tmp_path / "root", os.O_PATH | os.O_DIRECTORY)
    yield fd, tmp_path / "root"
    os.close(fd)


def where(fd: int) -> str:
    path = os.readlink(f"/proc/self/fd/{fd}")
    os.close(fd)
    return path


def test_directories_are_made(root: tuple[int, Path]) -> None:
    fd, path = root
    assert where(inside.make_directory(fd, "/a/b/c")) == f"{path}/a/b/c"
    assert where(inside.make_directory(fd, "/a/b/c")) == f"{path}/a/b/c"


@pytest.mark.parametrize(
    "target", ["{outside}", "../outside", "../../../../../../{outside}", "/proc/self/root{outside}"]
)
def test_no_link_leads_out(root: tuple[int, Path], target: str) -> None:
    fd, path = root
    outside = path.parent / "outside"
    os.symlink(target.format(outside=outside), path / "link")
    try:
        found = where(inside.make_directory(fd, "/link/new"))
    except OSError:
        found = f"{path}/refused"
    assert found.startswith(f"{path}/")
    assert os.listdir(outside) == []


def test_a_dangling_link_is_made_real_inside(root: tuple[int, Path]) -> None:
    fd, path = root
    (path / "etc").mkdir()
    os.symlink("../run/systemd/resolve/stub.conf", path / "etc/resolv.conf")
    assert (
        where(inside.make_file(fd, "/etc/resolv.conf")) == f"{path}/run/systemd/resolve/stub.conf"
    )


def test_links_in_a_circle_end(root: tuple[int, Path]) -> None:
    fd, path = root
    os.symlink("b", path / "a")
    os.symlink("a", path / "b")
    with pytest.raises(OSError, match="symbolic links"):
        inside.make_directory(fd, "/a/x")
    with pytest.raises(OSError, match="symbolic links"):
        inside.without_links(fd, "/a/x")


def test_dots_cannot_climb_above_the_root(root: tuple[int, Path]) -> None:
    fd, path = root
    assert where(inside.make_directory(fd, "/../../x")) == f"{path}/x"
    assert inside.without_links(fd, "a/../../b") == ["b"]


def test_a_file_is_made_once_and_kept(root: tuple[int, Path]) -> None:
    fd, path = root
    assert where(inside.make_file(fd, "/d/f")) == f"{path}/d/f"
    (path / "d/f").write_text("kept")
    os.close(inside.make_file(fd, "/d/f"))
    assert (path / "d/f").read_text() == "kept"
