"""Layers and containers' trees on a real overlayfs."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.kernel import overlay
from boxship.model.digest import Digest, chain_id
from boxship.model.errors import Conflict, Invalid, NotFound
from boxship.storage.layers import LEASE
from boxship.storage.overlay2 import Overlay2
from suites.archives import archive, entry, link

pytestmark = pytest.mark.root

BASE = archive(
    entry("bin/"),
    entry("bin/tool", b"1", mode=0o755),
    entry("etc/", mode=0o711, uid=3, gid=4),
    entry("etc/motd", b"hello"),
    entry("usr/"),
    entry("usr/lib/"),
    link("lib", "usr/lib"),
)


class World:
    """A data root and the engine's hand on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layers = Overlay2(str(root))

    def apply(self, data: bytes, parent: str | None = None, holder: str = "image:1") -> str:
        return self.layers.apply(
            parent, io.BytesIO(data), holder=holder, label="sha256:abc"
        ).chain_id

    def again(self) -> None:
        """Another start of the daemon, after kill -9."""
        self.layers.settle()
        self.layers = Overlay2(str(self.root))

    def directories(self) -> list[str]:
        return sorted(p.name for p in (self.root / "overlay2").iterdir() if p.name != "l")

    def links(self) -> list[str]:
        return os.listdir(self.root / "overlay2" / "l")

    def mounts(self) -> list[str]:
        with open("/proc/self/mounts") as file:
            return [line for line in file if str(self.root) in line]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    yield made
    made.layers.recover(set())
    for holder in made.layers.holders(""):
        made.layers.release(holder)
    made.layers.settle()
    assert (made.directories(), made.links(), made.mounts()) == ([], [], [])
    made.layers.close()


@pytest.fixture(autouse=True)
def _data_root(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()


def test_a_layer_is_named_by_its_bytes_and_all_below(world: World) -> None:
    top = archive(entry("top", b"x"))
    base = world.apply(BASE)
    chain = world.apply(top, base)
    assert base == Digest.of(BASE)
    assert chain == chain_id(base, Digest.of(top))
    layer = world.layers.get(chain)
    assert (layer.parent, layer.diff_id, layer.size) == (base, Digest.of(top), 1)
    assert world.layers.layer_size(chain) == 7


def test_the_disk_looks_as_users_of_docker_know_it(world: World) -> None:
    base = world.apply(BASE)
    chain = world.apply(archive(entry("top", b"x")), base)
    data = world.layers.layer_data(chain)
    upper = Path(data["UpperDir"])
    home = upper.parent
    short = (home / "link").read_text()
    assert len(home.name) == 64
    assert len(short) == 26
    assert os.readlink(world.root / "overlay2/l" / short) == f"../{home.name}/diff"
    assert (home / "committed").exists()
    below = Path(data["LowerDir"])
    assert (home / "lower").read_text() == "l/" + (below.parent / "link").read_text()
    assert (below / "bin/tool").read_text() == "1"
    assert stat.S_IMODE(os.stat(world.root / "overlay2").st_mode) == 0o710


def test_a_container_sees_its_image_and_writes_beside_it(world: World) -> None:
    chain = world.apply(archive(entry("etc/.wh.motd")), world.apply(BASE))
    world.layers.create("web", chain)
    merged = Path(world.layers.mount("web"))
    assert world.layers.mount("web") == str(merged)
    assert len(world.mounts()) == 1
    assert (merged / "bin/tool").read_text() == "1"
    assert not (merged / "etc/motd").exists()
    etc = os.stat(merged / "etc")
    assert (stat.S_IMODE(etc.st_mode), etc.st_uid, etc.st_gid) == (0o711, 3, 4)
    assert os.readlink(merged / "etc/mtab") == "/proc/mounts"
    assert sorted(os.listdir(merged / "dev")) == ["console", "pts", "shm"]
    assert (merged / ".dockerenv").exists()
    (merged / "new").write_text("12345")
    data = world.layers.driver_data("web")
    assert (Path(data["UpperDir"]) / "new").read_text() == "12345"
    assert data["LowerDir"].split(":")[0].endswith("-init/diff")
    assert data["MergedDir"] == str(merged)
    assert world.layers.usage("web") == 5
    world.layers.unmount("web")
    world.layers.unmount("web")
    assert world.mounts() == []
    world.layers.remove("web")
    world.layers.remove("web")
    with pytest.raises(NotFound):
        world.layers.mount("web")


def test_a_throwaway_container_does_not_sync_and_can_be_mounted_again(world: World) -> None:
    world.layers.create("web", world.apply(BASE))
    for throwaway in (True, True, False):
        merged = Path(world.layers.mount("web", throwaway=throwaway))
        assert ("volatile" in world.mounts()[0]) is throwaway
        with (merged / "data").open("a") as file:
            file.write("x")
            os.fsync(file.fileno())
        world.layers.unmount("web")
    assert (Path(world.layers.mount("web")) / "data").read_text() == "xxx"


def test_changes_are_told_as_docker_diff_tells_them(world: World) -> None:
    world.layers.create("web", world.apply(BASE))
    merged = Path(world.layers.mount("web"))
    assert world.layers.changes("web") == []
    (merged / "etc/motd").write_text("changed")
    (merged / "usr/lib/added").mkdir()
    (merged / "bin/tool").unlink()
    assert world.layers.changes("web") == [
        ("/bin", 0), ("/bin/tool", 2), ("/etc", 0), ("/etc/motd", 0),
        ("/usr", 0), ("/usr/lib", 0), ("/usr/lib/added", 1),
    ]  # fmt: skip


def test_an_image_s_links_do_not_lead_the_init_layer_away(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    hostile = archive(
        link("etc", str(secret)),
        link("dev", "/../../.."),
        link("proc", str(secret)),
        entry("sys", b"a file"),
        link(".dockerenv", str(secret / "x")),
    )
    world.layers.create("web", world.apply(hostile))
    merged = Path(world.layers.mount("web"))
    for name in ("etc", "dev", "proc", "sys"):
        assert stat.S_ISDIR(os.lstat(merged / name).st_mode)
    assert sorted(os.listdir(merged / "etc")) == ["hostname", "hosts", "mtab", "resolv.conf"]
    assert stat.S_ISREG(os.lstat(merged / ".dockerenv").st_mode)
    assert os.listdir(secret) == []


def test_a_layer_without_parents_takes_them_from_below(world: World) -> None:
    chain = world.apply(
        archive(entry("etc/added", b"x"), entry("lib/added", b"y")), world.apply(BASE)
    )
    world.layers.create("web", chain)
    merged = Path(world.layers.mount("web"))
    etc = os.stat(Path(world.layers.layer_data(chain)["UpperDir"]) / "etc")
    assert (stat.S_IMODE(etc.st_mode), etc.st_uid, etc.st_mtime) == (0o711, 3, 1_700_000_000)
    assert os.readlink(merged / "lib") == "usr/lib"
    assert (merged / "usr/lib/added").read_text() == "y"


def test_an_image_without_layers_is_an_empty_tree(world: World) -> None:
    world.layers.create("web", None)
    assert (Path(world.layers.mount("web")) / "etc/hosts").exists()
    world.layers.create("bare", None, init=False)
    assert os.listdir(world.layers.mount("bare")) == []


def test_more_layers_than_docker_takes(world: World) -> None:
    chain = None
    for index in range(150):
        chain = world.apply(archive(entry(f"f{index}")), chain, f"image:{index}")
    world.layers.create("web", chain)
    merged = Path(world.layers.mount("web"))
    assert sum(name.startswith("f") for name in os.listdir(merged)) == 150


def test_layers_go_with_their_last_user(world: World) -> None:
    base = world.apply(BASE)
    chain = world.apply(archive(entry("top")), base)
    world.layers.create("web", chain)
    assert world.layers.release("image:1") == []
    world.layers.remove("web")
    assert not world.layers.has(base)
    assert world.directories() == []


def test_nothing_is_left_of_a_layer_that_cannot_be_unpacked(world: World) -> None:
    with pytest.raises(Invalid, match=r'failed to register layer: layer sha256:abc: entry "../x"'):
        world.apply(archive(entry("ok", b"x"), entry("../x")))
    with pytest.raises(NotFound):
        world.apply(BASE, "sha256:" + "0" * 64)
    assert world.directories() == []
    assert world.links() == []


def test_the_same_layer_at_once_is_kept_once(world: World) -> None:
    threads = [
        threading.Thread(target=world.apply, args=(BASE, None, f"image:{i}")) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.directories()) == 1
    for index in range(4):
        world.layers.release(f"image:{index}")
    assert world.directories() == []


def test_a_name_is_free_again_at_once(world: World) -> None:
    base = world.apply(BASE)
    world.layers.create("web", base)
    with pytest.raises(Conflict):
        world.layers.create("web", base)
    for _ in range(5):
        world.layers.mount("web")
        world.layers.remove("web")
        world.layers.create("web", base)


def test_a_start_after_a_crash_keeps_what_is_whole_and_known(world: World) -> None:
    base = world.apply(BASE)
    half = world.apply(archive(entry("top")), base, LEASE + "pull")
    for name in ("kept", "unknown", "lost"):
        world.layers.create(name, base)
        world.layers.mount(name)
    lost = Path(world.layers.driver_data("lost")["UpperDir"]).parent
    world.layers.unmount("lost")
    subprocess.run(["rm", "-rf", str(lost)], check=True)
    (world.root / "overlay2" / ("f" * 64) / "diff").mkdir(parents=True)
    (world.root / "overlay2/l/STRANGER").symlink_to("../nothing")
    (world.root / "trash/half deleted").mkdir()
    world.again()
    world.layers.recover({"kept", "lost"})
    world.layers.settle()
    assert len(world.mounts()) == 1
    assert not world.layers.has(half)
    assert world.layers.has(base)
    assert len(world.directories()) == 3
    assert len(world.links()) == 3
    assert os.listdir(world.root / "trash") == []
    assert (Path(world.layers.mount("kept")) / "bin/tool").exists()


def test_layers_that_a_crash_of_the_machine_may_have_lost_are_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = world.apply(BASE)
    world.layers.sync()
    monkeypatch.setattr("boxship.storage.overlay2._boot", lambda: "an earlier boot")
    unsynced = world.apply(archive(entry("a")), synced)
    above = world.apply(archive(entry("b")), unsynced)
    monkeypatch.undo()
    world.again()
    world.layers.recover(set())
    assert [world.layers.has(c) for c in (synced, unsynced, above)] == [True, False, False]
    assert len(world.directories()) == 1


def test_a_kernel_that_takes_layers_only_in_one_string_does_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(*_: object) -> int:
        raise overlay._TooOldError

    monkeypatch.setattr(overlay, "_configured", too_old)
    here = os.getcwd()
    chain = world.apply(BASE)
    for index in range(119):
        chain = world.apply(archive(entry(f"etc/f{index}")), chain)
    world.layers.create("web", chain)
    merged = Path(world.layers.mount("web"))
    assert len(os.listdir(merged / "etc")) == 119 + 5
    assert stat.S_IMODE(os.stat(merged / "etc").st_mode) == 0o711
    assert os.getcwd() == here
    assert len(world.mounts()) == 1


def test_an_export_is_the_whole_tree(world: World) -> None:
    world.layers.create("web", world.apply(BASE))
    data = b"".join(world.layers.export("web"))
    assert world.mounts() == []
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
    assert {"bin/tool", "etc/motd", "etc/hosts", ".dockerenv", "lib", "usr/lib"} <= set(names)
    chain = world.apply(data, None)
    world.layers.create("copy", chain, init=False)
    merged = Path(world.layers.mount("copy"))
    assert (merged / "etc/motd").read_text() == "hello"
    assert os.stat(merged / "etc").st_uid == 3


def test_a_layer_is_made_good_also_by_a_later_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = world.apply(BASE)
    world.layers.close()
    monkeypatch.setattr("boxship.storage.overlay2._SYNC_AFTER_S", 0)
    synced = threading.Event()
    monkeypatch.setattr("boxship.kernel.sync.syncfs", lambda _: synced.set())
    world.layers = Overlay2(str(world.root))
    world.layers.recover(set())
    assert synced.wait(10)
    assert world.layers.has(chain)


KILLED = """
import io, os, sys
from suites.archives import archive, entry
from boxship.storage.overlay2 import Overlay2
layers = Overlay2(sys.argv[1])
base = layers.apply(None, io.BytesIO(archive(entry("f", b"x" * 3000))), holder="image:1").chain_id
print("ready", flush=True)
for i in range(100000):
    layers.create(f"c{i}", base)
    layers.mount(f"c{i}")
    data = archive(*(entry(f"g{i}-{j}") for j in range(20)))
    layers.apply(base, io.BytesIO(data), holder=f"image:x{i}")
    layers.release(f"image:x{i}")
    layers.remove(f"c{i}")
"""


@pytest.mark.parametrize("moment", range(6))
def test_kill_9_at_any_moment_leaves_nothing_half_done(world: World, moment: int) -> None:
    world.layers.close()
    paths = os.pathsep.join(["tests", *sys.path])
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(world.root)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(0.011 * (moment + 1))
    killed.kill()
    killed.wait()
    killed.stdout.close()
    world.again()
    world.layers.recover(set())
    world.layers.settle()
    held = [h for h in world.layers.holders("image:") if h != "image:1"]
    assert len(world.directories()) == len(world.links()) == 1 + len(held)
    assert world.mounts() == []
