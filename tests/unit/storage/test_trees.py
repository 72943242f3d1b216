"""Trees are removed without following links, however deep or odd they are."""

import os
from pathlib import Path

from boxship.storage import trees
from boxship.storage.trash import Trash


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    inside = tmp_path / "inside"
    (inside / "a" / "b").mkdir(parents=True)
    (inside / "a" / "file").write_text("x")
    (inside / "a" / "link").symlink_to(outside)
    os.mkfifo(inside / "fifo")
    trees.remove_tree(str(inside))
    trees.remove_tree(str(inside))
    assert not inside.exists()
    assert (outside / "kept").exists()


def test_a_tree_deeper_than_descriptors_reach_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("down", dir_fd=fd)
        below = os.open("down", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    trees.remove_tree(str(top))
    assert not top.exists()


def test_usage_counts_a_file_with_two_names_once(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"x" * 1000)
    os.link(tmp_path / "d" / "f", tmp_path / "g")
    (tmp_path / "link").symlink_to("/etc")
    assert trees.usage(str(tmp_path)) == 1000 + len("/etc")


def test_trash_is_out_of_the_way_at_once(tmp_path: Path) -> None:
    trash = Trash(str(tmp_path / "trash"))
    for _ in range(2):
        (tmp_path / "tree" / "d").mkdir(parents=True)
        trash.throw(str(tmp_path / "tree"))
        assert not (tmp_path / "tree").exists()
    trash.throw(str(tmp_path / "tree"))
    trash.settle()
    assert list((tmp_path / "trash").iterdir()) == []
    (tmp_path / "trash" / "left by a crash").mkdir()
    trash.empty()
    trash.close()
    assert list((tmp_path / "trash").iterdir()) == []
