"""Images made, named, found and removed, on real layers."""

import asyncio
import errno
import gzip
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.images.remove import Use
from boxship.model.errors import Conflict, Invalid, NotFound, Unavailable
from boxship.storage.blobs import BlobStore
from suites.archives import archive, entry
from suites.registry_world import Engine

pytestmark = pytest.mark.root

TREE = archive(entry("bin/"), entry("bin/tool", b"12345", mode=0o755))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path / "data")
    yield made
    for image in made.images.list():
        made.images.remove(image.id, force=True)
    assert made.leftovers() == []
    asyncio.run(made.close())


def stream(data: bytes = TREE) -> io.BytesIO:
    return io.BytesIO(data)


def test_an_import_is_written_as_docker_writes_it(engine: Engine) -> None:
    changes = ['CMD ["tool"]', "ENV A=1"]
    image = engine.images.import_(stream(), reference="web", changes=changes)
    assert image.repo_tags == ["web:latest"]
    assert image.size == 5
    assert list(image.config) == [
        *("architecture", "comment", "config", "container_config", "created", "history", "os"),
        "rootfs",
    ]
    assert image.config["comment"] == "Imported from -"
    assert image.config["history"] == [{"created": image.created, "comment": "Imported from -"}]
    assert image.config["config"]["Cmd"] == ["tool"]
    assert image.config["rootfs"]["type"] == "layers"
    assert engine.layers.get(str(image.top_layer)).diff_id == image.layers[0]


def test_the_diff_id_does_not_depend_on_the_compression(engine: Engine) -> None:
    plain = engine.images.import_(stream(), message="one")
    packed = engine.images.import_(stream(gzip.compress(TREE)), message="two")
    assert plain.layers == packed.layers
    assert plain.id != packed.id
    assert len(os.listdir(engine.root / "overlay2")) == 2  # one layer, and l


def test_a_refused_import_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(Invalid, match="FOO is not a valid change command"):
        engine.images.import_(stream(), changes=["FOO x"])
    with pytest.raises(Invalid, match=r'entry "\.\./x": it is outside of the layer'):
        engine.images.import_(stream(archive(entry("ok"), entry("../x"))))
    with pytest.raises(Invalid, match="unexpected EOF"):
        engine.images.import_(stream(gzip.compress(TREE)[:-30]))
    with pytest.raises(Invalid, match="invalid tar header"):
        engine.images.import_(stream(b"this is no archive" * 100))
    assert engine.leftovers() == []


def test_an_image_is_named_found_and_unnamed(engine: Engine) -> None:
    image = engine.images.import_(stream(), reference="web:1")
    assert engine.images.tag("web:1", "reg.example/web:2").repo_tags == [
        *("web:1", "reg.example/web:2"),
    ]
    assert engine.images.get(image.id[7:14]).id == image.id
    for name, words in (
        ("web", "No such image: web:latest"),
        ("sha256:" + "0" * 64, "No such image: sha256:0000"),
        ("zzz", "No such image: zzz:latest"),
    ):
        with pytest.raises(NotFound, match=words):
            engine.images.get(name)
    with pytest.raises(Invalid, match=r"repository name \(library/Web\) must be lowercase"):
        engine.images.get("Web")
    with pytest.raises(Invalid, match="refusing to create a tag with a digest reference"):
        engine.images.tag("web:1", f"web@{image.id}")
    assert engine.images.remove("web:1") == [{"Untagged": "web:1"}]
    assert engine.images.remove("reg.example/web:2") == [
        {"Untagged": "reg.example/web:2"},
        {"Deleted": image.id},
        {"Deleted": image.top_layer},
    ]


def test_a_name_that_moves_leaves_the_old_image_without_one(engine: Engine) -> None:
    old = engine.images.import_(stream(), reference="web", message="old")
    new = engine.images.import_(stream(), reference="web", message="new")
    assert engine.images.get("web").id == new.id
    assert engine.images.get(old.id).repo_tags == []


def test_a_removal_that_is_cut_short_takes_the_name_with_the_image_or_not_at_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = engine.images.import_(stream(), reference="web")

    def cut_short(_image_id: str) -> list[str]:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(engine.images._index, "remove", cut_short)
        with pytest.raises(OSError, match="no space left"):
            engine.images.remove("web")
    assert engine.images.get("web").id == image.id


def test_a_prefix_of_several_ids_means_none(engine: Engine) -> None:
    ids = [engine.images.import_(stream(), message=str(n)).id[7:] for n in range(17)]
    first = next(i for i in ids if sum(other[0] == i[0] for other in ids) > 1)
    with pytest.raises(NotFound, match="several ids begin with"):
        engine.images.get(first[0])


def test_a_container_keeps_its_image(engine: Engine) -> None:
    image = engine.images.import_(stream(), reference="web")
    running, stopped = Use("f" * 64, running=True), Use("e" * 64, running=False)
    with pytest.raises(Conflict, match="must force"):
        engine.images.remove("web", in_use={image.id: [stopped]})
    with pytest.raises(Conflict, match="cannot be forced"):
        engine.images.remove("web", force=True, in_use={image.id: [running]})
    assert engine.images.get("web").id == image.id
    engine.images.remove("web", force=True, in_use=lambda _: [stopped])
    assert engine.images.list() == []


def test_a_start_keeps_whole_images_and_nothing_else(engine: Engine) -> None:
    kept = engine.images.import_(stream(), reference="kept")
    broken = engine.images.import_(stream(archive(entry("x"))), reference="broken")
    damaged = engine.images.import_(stream(archive(entry("y"))), reference="damaged")
    blobs = BlobStore(str(engine.root / "blobs"))
    stranger = blobs.put(b"nobody needs me")
    Path(blobs.path(damaged.id)).write_bytes(b"{}")
    home = Path(engine.layers.layer_data(str(broken.top_layer))["UpperDir"]).parent
    shutil.rmtree(home)
    (engine.root / "spool" / "pull-x").mkdir()
    again = Engine(engine.root)
    assert [image.repo_tags for image in again.images.list()] == [["kept:latest"]]
    assert list(again.blobs) == [kept.id]
    assert not blobs.has(stranger)
    assert os.listdir(engine.root / "spool") == []
    assert len(os.listdir(engine.root / "overlay2")) == 2
    asyncio.run(again.close())


@pytest.mark.skipif(not shutil.which("busybox"), reason="needs busybox-static")
def test_a_busybox_image_is_made_of_the_host_s_own(engine: Engine) -> None:
    one = engine.images.bootstrap("busybox", "busybox")
    two = engine.images.bootstrap("busybox", "again:1")
    assert one.id == two.id
    assert two.repo_tags == ["again:1", "busybox:latest"]
    engine.layers.create("c", one.top_layer)
    merged = Path(engine.layers.mount("c"))
    assert os.path.samefile(merged / "bin/sh", merged / "bin/busybox")
    assert (merged / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (merged / "etc/passwd").read_text().startswith("root:x:0:0:")
    engine.layers.remove("c")
    with pytest.raises(Invalid, match='no base image "alpine" can be made here'):
        engine.images.bootstrap("alpine", "alpine")


def test_a_missing_program_is_named_with_what_installs_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(Unavailable, match="debootstrap is not here: apt-get install debootstrap"):
        engine.images.bootstrap("debian", "debian")
