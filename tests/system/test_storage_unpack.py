"""Layers unpacked as root: what archives can say, and what hostile ones try."""

import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.model.errors import BoxshipError, Invalid, System
from boxship.storage.limits import Limits
from boxship.storage.tarstream import TarStream
from boxship.storage.unpack import Unpacker
from suites.archives import archive, entry, hard_link, link

pytestmark = pytest.mark.root


class Layer:
    """A directory to unpack into, with a secret beside it."""

    def __init__(self, path: Path) -> None:
        self.secret = path / "secret"
        self.secret.mkdir()
        (self.secret / "key").write_text("untouched")
        self.root = path / "layer" / "diff"
        self.root.mkdir(parents=True)

    def unpack(self, data: bytes, limits: Limits | None = None) -> int:
        fd = os.open(self.root, os.O_RDONLY)
        try:
            unpacker = Unpacker(fd, limits=limits or Limits())
            unpacker.unpack(TarStream(io.BytesIO(data)))
        finally:
            os.close(fd)
        return unpacker.size

    def assert_nothing_got_out(self) -> None:
        assert sorted(p.name for p in self.secret.iterdir()) == ["key"]
        assert (self.secret / "key").read_text() == "untouched"
        assert [p.name for p in self.root.parent.iterdir()] == ["diff"]
        assert not Path("/boxship-was-here").exists()


@pytest.fixture
def layer(tmp_path: Path) -> Iterator[Layer]:
    made = Layer(tmp_path)
    yield made
    made.assert_nothing_got_out()


def test_all_that_an_entry_says_is_kept(layer: Layer) -> None:
    capability = b"\x01\x00\x00\x02\x00\x20\x00\x00" + bytes(12)
    records = {
        "SCHILY.xattr.security.capability": capability.decode("latin-1"),
        "SCHILY.xattr.user.note": "hello",
        "mtime": "1600000000.123456789",
    }
    size = layer.unpack(
        archive(
            entry("./"),
            entry("d/", mode=0o1777, uid=5, gid=6),
            entry("d/f", b"data", mode=0o4755, uid=7, gid=8, pax_headers=records),
            hard_link("d/g", "d/f"),
            link("d/l", "../outside"),
            entry("d/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
            entry("d/fifo", type=tarfile.FIFOTYPE),
        )
    )
    d, f = os.stat(layer.root / "d"), os.stat(layer.root / "d/f")
    assert size == 4
    assert (stat.S_IMODE(d.st_mode), d.st_uid, d.st_gid) == (0o1777, 5, 6)
    assert d.st_mtime == 1_700_000_000
    assert (stat.S_IMODE(f.st_mode), f.st_uid, f.st_gid, f.st_nlink) == (0o4755, 7, 8, 2)
    assert f.st_mtime_ns == 1_600_000_000_123_456_789
    assert os.getxattr(layer.root / "d/f", "user.note") == b"hello"
    assert os.getxattr(layer.root / "d/f", "security.capability") == capability
    assert os.readlink(layer.root / "d/l") == "../outside"
    assert os.stat(layer.root / "d/null").st_rdev == os.makedev(1, 3)
    assert stat.S_ISFIFO(os.stat(layer.root / "d/fifo").st_mode)


@pytest.mark.parametrize("name", ["../../secret/key", "a/../../../secret/key", "..", "d/../.."])
def test_a_name_that_leads_out_is_refused(layer: Layer, name: str) -> None:
    with pytest.raises(Invalid, match=r'entry ".*": it is outside of the layer'):
        layer.unpack(archive(entry("d/"), entry(name, b"evil")))


def test_an_absolute_name_is_below_the_root(layer: Layer) -> None:
    layer.unpack(archive(entry("/boxship-was-here", b"x"), entry("//a/./b//c", b"y")))
    assert (layer.root / "boxship-was-here").read_text() == "x"
    assert (layer.root / "a/b/c").read_text() == "y"


@pytest.mark.parametrize("target", ["/", "..", "../..", "../../secret", "/secret", "a/../../.."])
def test_a_link_is_followed_inside_of_the_layer_only(layer: Layer, target: str) -> None:
    try:
        layer.unpack(
            archive(entry("a/"), entry("secret/"), link("way", target), entry("way/key", b"evil"))
        )
    except Invalid:
        return  # it may lead nowhere
    assert "evil" in {p.read_text() for p in layer.root.rglob("key")}


def test_links_through_links_stay_inside(layer: Layer) -> None:
    outside = str(layer.secret)
    data = archive(
        link("one", "two"),
        link("two", "three/.."),
        link("three", outside),
        entry("one/key", b"evil"),
    )
    with pytest.raises(Invalid, match='entry "one/key"'):
        layer.unpack(data)


def test_a_link_at_the_place_of_a_file_is_replaced_not_written_through(layer: Layer) -> None:
    outside = str(layer.secret / "key")
    layer.unpack(archive(link("f", outside), entry("f", b"mine")))
    assert (layer.root / "f").read_text() == "mine"
    assert not (layer.root / "f").is_symlink()


def test_a_directory_that_becomes_a_link_is_not_written_through(layer: Layer) -> None:
    outside = str(layer.secret)
    with pytest.raises(Invalid, match='entry "d/key"'):
        layer.unpack(
            archive(entry("d/"), entry("d/old", b"x"), link("d", outside), entry("d/key", b"evil"))
        )
    assert os.readlink(layer.root / "d") == outside


@pytest.mark.parametrize("target", ["../../secret/key", "/../../secret/key"])
def test_a_hard_link_that_leads_out_is_refused(layer: Layer, target: str) -> None:
    with pytest.raises(Invalid, match='entry "h": hard link to'):
        layer.unpack(archive(hard_link("h", target), entry("h", b"evil")))


def test_a_hard_link_through_a_link_stays_inside(layer: Layer) -> None:
    with pytest.raises(Invalid, match='entry "h"'):
        layer.unpack(archive(link("way", str(layer.secret)), hard_link("h", "way/key")))
    layer.unpack(archive(link("k", str(layer.secret / "key")), hard_link("h", "k")))
    assert (layer.root / "h").is_symlink()


def test_whiteouts_become_what_overlayfs_knows(layer: Layer) -> None:
    layer.unpack(
        archive(
            entry("d/"),
            entry("d/.wh.gone"),
            entry("o/"),
            entry("o/.wh..wh..opq"),
            entry(".wh..wh.plnk/1"),
            entry("kept", b"mine"),
            entry(".wh.kept"),
            entry(".wh.again"),
            entry("again/"),
        )
    )
    gone = os.stat(layer.root / "d/gone")
    assert stat.S_ISCHR(gone.st_mode)
    assert gone.st_rdev == 0
    assert os.getxattr(layer.root / "o", "trusted.overlay.opaque") == b"y"
    assert os.listdir(layer.root / "o") == []
    assert (layer.root / "kept").read_text() == "mine"
    assert os.getxattr(layer.root / "again", "trusted.overlay.opaque") == b"y"


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh..."])
def test_a_whiteout_of_nothing_is_refused(layer: Layer, name: str) -> None:
    with pytest.raises(Invalid, match="whiteout of nothing"):
        layer.unpack(archive(entry(name)))


def test_an_archive_cannot_speak_to_overlayfs(layer: Layer) -> None:
    evil = {"SCHILY.xattr.trusted.overlay.redirect": "/../secret"}
    layer.unpack(archive(entry("d/", pax_headers=evil), entry("f", b"x", pax_headers=evil)))
    assert os.listxattr(layer.root / "d") == []
    assert os.listxattr(layer.root / "f") == []


def test_entries_that_come_again_replace_the_earlier_ones(layer: Layer) -> None:
    layer.unpack(
        archive(
            entry("a", b"1"), entry("a", b"22"),
            entry("b/"), entry("b/c", b"1"), entry("b", b"now a file"),
            entry("d", b"1"), entry("d/"), entry("d/e", b"2"),
            link("l", "a"), hard_link("l", "a"),
            entry("x/", mode=0o700), entry("x/y", b"1"), entry("x/", mode=0o711),
        )
    )  # fmt: skip
    assert (layer.root / "a").read_text() == "22"
    assert (layer.root / "b").read_text() == "now a file"
    assert (layer.root / "d/e").read_text() == "2"
    assert os.path.samefile(layer.root / "l", layer.root / "a")
    assert stat.S_IMODE(os.stat(layer.root / "x").st_mode) == 0o711
    assert (layer.root / "x/y").read_text() == "1"


def test_names_of_255_bytes_and_paths_longer_than_the_kernel_takes(layer: Layer) -> None:
    deep = "/".join(["n" * 255] * 40)
    layer.unpack(archive(entry(f"{deep}/f", b"deep"), entry(f"{deep}/g", b"x"), entry("z", b"")))
    with pytest.raises(Invalid, match="name too long"):
        layer.unpack(archive(entry("n" * 256, b"x")))
    fd = os.open(layer.root, os.O_RDONLY)
    for _ in range(40):
        below = os.open("n" * 255, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    assert sorted(os.listdir(fd)) == ["f", "g"]
    os.close(fd)


def test_a_sparse_file_keeps_its_holes(layer: Layer, tmp_path: Path) -> None:
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.seek(8 << 20)
        file.write(b"end")
    for form in ("gnu", "pax"):
        version = ["--sparse-version=1.0"] if form == "pax" else []
        command = ["tar", f"--format={form}", "-S", *version, "-C", str(tmp_path)]
        subprocess.run([*command, "-cf", str(tmp_path / form), "sparse"], check=True)
        layer.unpack((tmp_path / form).read_bytes())
        made = layer.root / "sparse"
        assert made.read_bytes() == source.read_bytes()
        assert made.stat().st_blocks * 512 < 1 << 20


def test_numbers_that_no_system_call_takes_are_refused(layer: Layer) -> None:
    for fields in ({"uid": 1 << 40}, {"mtime": 1 << 66}, {"gid": 1 << 33}):
        with pytest.raises(Invalid, match='entry "f"'):
            layer.unpack(archive(entry("f", b"x", **fields)))


def test_bounds_hold(layer: Layer) -> None:
    many = archive(*(entry(f"f{i}") for i in range(20)))
    with pytest.raises(Invalid, match="more than 10 entries"):
        layer.unpack(many, Limits(entries=10))
    with pytest.raises(Invalid, match="more than 100 bytes"):
        layer.unpack(archive(entry("f", b"x" * 101)), Limits(size=100))
    with pytest.raises(Invalid, match="a name of 101 bytes is too long"):
        layer.unpack(archive(entry("n" * 101)), Limits(name=100))


def test_a_full_disk_is_not_the_archive_s_fault(layer: Layer, tmp_path: Path) -> None:
    small = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(layer.root)]
    subprocess.run(small, check=True)
    try:
        with pytest.raises(System, match='entry "f": no space left on device: free some space'):
            layer.unpack(archive(entry("f", b"x" * (1 << 20))))
    finally:
        subprocess.run(["umount", str(layer.root)], check=True)


@pytest.mark.parametrize("seed", range(8))
def test_damaged_archives_never_touch_anything_outside(layer: Layer, seed: int) -> None:
    data = bytearray(
        archive(entry("d/"), link("d/l", "../../../secret"), entry("d/l/key", b"e" * 600))
    )
    for step in range(40):
        data[(seed * 7919 + step * 104729) % len(data)] ^= 1 << (step % 8)
    try:
        layer.unpack(bytes(data))
    except BoxshipError:
        return
