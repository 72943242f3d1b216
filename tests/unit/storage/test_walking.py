"""A tree is read while a hostile container changes it."""

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boxship.storage import pack, trees
from boxship.storage.walking import walk

DEPTH = 3000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("tree/a/b", "tree/c", "outside/b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tree/a/b/file").write_text("inside")
    (tmp_path / "tree/z").write_text("last")
    (tmp_path / "outside/b/secret").write_text("secret")
    return tmp_path / "tree"


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Deeper than recursion goes, than paths may be long, and than there are descriptors."""
    made = tmp_path / "deep"
    made.mkdir()
    fd = os.open(made, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    yield made
    trees.remove_tree(str(made))


def seen(root: Path, disturb: Callable[[bytes], object] = bool) -> list[bytes]:
    fd = os.open(root, os.O_RDONLY)
    found = []
    try:
        for path, *_ in walk(fd):
            found.append(path)
            disturb(path)
    finally:
        os.close(fd)
    return found


def test_in_order_and_each_directory_before_what_it_has(tree: Path) -> None:
    assert seen(tree) == [b"a", b"a/b", b"a/b/file", b"c", b"z"]


def test_a_directory_that_becomes_a_link_is_not_entered(tree: Path) -> None:
    def swap(path: bytes) -> None:
        if path == b"a":
            (tree / "a").rename(tree.parent / "gone")
            (tree / "a").symlink_to("../outside")

    assert seen(tree, swap) == [b"a", b"c", b"z"]


def test_nor_is_it_come_back_to(tree: Path) -> None:
    (tree / "a/b/more").mkdir()
    (tree / "a/d").mkdir()

    def swap(path: bytes) -> None:
        if path == b"a/b/file":
            (tree / "a").rename(tree.parent / "gone")
            (tree / "a").symlink_to("../outside")

    assert seen(tree, swap) == [b"a", b"a/b", b"a/b/file", b"a/b/more", b"c", b"z"]


def test_what_goes_away_is_left_out(tree: Path) -> None:
    assert seen(tree, lambda path: path == b"c" and (tree / "z").unlink()) == [
        b"a", b"a/b", b"a/b/file", b"c",
    ]  # fmt: skip


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """No more than a hundred can be opened."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_descriptors")
def test_any_depth_with_few_descriptors(deep: Path) -> None:
    assert len(seen(deep)) == DEPTH
    assert trees.usage(str(deep)) == 0
    assert sum(1 for _ in pack.pack(str(deep))) > DEPTH


def test_a_file_that_becomes_a_fifo_is_left_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To open it would be to wait for ever; a device might even do something."""
    describe = pack.describe

    def swap(fd: int, name: bytes, status: os.stat_result) -> object:
        if name == b"file":
            os.unlink(name, dir_fd=fd)
            os.mkfifo(name, dir_fd=fd)
        return describe(fd, name, status)

    monkeypatch.setattr(pack, "describe", swap)
    assert b"file" not in b"".join(pack.pack(str(tree)))
