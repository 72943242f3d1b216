"""Pulls from Debian's docker-registry, filled by skopeo; trees compared with umoci's."""

import asyncio
import json
import os
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from boxship.images import bootstrap
from boxship.model import oci
from boxship.model.digest import Digest
from boxship.model.errors import NotFound, System, Unauthorized
from suites import registry_world
from suites.archives import archive, entry, hard_link, link
from suites.registry_world import Engine, Registry, oci_image, push, run, tree

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(registry_world.missing()), reason="needs docker-registry and skopeo"),
]

BCRYPT_OF_SECRET = "$2b$05$D4D/QswNz6xF/3XMQrZgxulYZsj.bin8HPnPq2rgElVVwXNkxvPr2"
SECOND = archive(
    entry("etc/", mode=0o755),
    entry("etc/.wh.group"),
    entry("etc/passwd", b"changed\n"),
    entry("opt/", uid=7, gid=8, mode=0o2750),
    entry("opt/tool", b"x" * 5000, mode=0o4755, pax_headers={"mtime": "1600000000.5"}),
    hard_link("opt/other", "opt/tool"),
    link("opt/link", "../etc/passwd"),
    entry("opt/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    entry("opt/noted", b"n", pax_headers={"SCHILY.xattr.user.note": "hello"}),
)
THIRD = archive(entry("home/"), entry("home/.wh..wh..opq"), entry("home/me/"), entry("late", b"3"))


def busybox() -> bytes:
    program = bootstrap._find_busybox()
    return b"".join(bootstrap.busybox_tar(program, ["sh", "ls", "cat"], 1_700_000_000 * 10**9))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout: `small` has one layer, `big` has three and a part that comes twice."""
    layout = tmp_path_factory.mktemp("shelf") / "layout"
    first = busybox()
    oci_image(layout, "small", [first])
    oci_image(layout, "big", [first, SECOND, THIRD])
    return layout


@pytest.fixture
def registry(tmp_path: Path, shelf: Path) -> Iterator[Registry]:
    with registry_world.registry(tmp_path) as served:
        push(shelf, "small", f"{served.host}/box:1")
        push(shelf, "big", f"{served.host}/team/big:1")
        yield served


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(tmp_path / "data")
    yield made
    for image in made.images.list():
        made.images.remove(image.id, force=True)
    assert made.leftovers() == []
    await made.close()


async def test_a_pull_tells_what_docker_tells(engine: Engine, registry: Registry) -> None:
    told: list[dict[str, Any]] = []
    name = f"{registry.host}/box:1"
    image = await engine.images.pull(name, progress=told.append)
    layer = told[1]["id"]
    digest = image.repo_digests[0].partition("@")[2]
    steps = [m["status"] for m in told if m["status"] not in {"Downloading", "Extracting"}]
    assert steps == [
        "Pulling from box",
        "Pulling fs layer",
        "Verifying Checksum",
        "Download complete",
        "Pull complete",
        f"Digest: {digest}",
        f"Status: Downloaded newer image for {name}",
    ]
    assert told[0] == {"status": "Pulling from box", "id": "1"}
    assert told[1] == {"status": "Pulling fs layer", "progressDetail": {}, "id": layer}
    extracted = [m for m in told if m["status"] == "Extracting"][-1]
    assert extracted["progressDetail"]["current"] == extracted["progressDetail"]["total"]
    assert image.repo_tags == [name]
    assert [m["status"] for m in await again(engine, name)] == [
        "Pulling from box",
        f"Digest: {digest}",
        f"Status: Image is up to date for {name}",
    ]
    told = await again(engine, f"{registry.host}/team/big:1")
    assert [m["status"] for m in told[1:4]] == ["Already exists"] + ["Pulling fs layer"] * 2


async def again(engine: Engine, name: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    await engine.images.pull(name, progress=told.append)
    return told


@pytest.mark.parametrize("form", [[], ["--format=v2s2"], ["--dest-compress-format=zstd"]])
async def test_a_pulled_tree_is_the_tree_that_umoci_unpacks(
    engine: Engine, registry: Registry, shelf: Path, tmp_path: Path, form: list[str]
) -> None:
    name = f"{registry.host}/forms:1"
    push(shelf, "big", name, *form)
    image = await engine.images.pull(name)
    bundle = tmp_path / "bundle"
    run("umoci", "unpack", "--image", f"{shelf}:big", str(bundle))
    engine.layers.create("c", image.top_layer, init=False)
    try:
        ours, theirs = tree(Path(engine.layers.mount("c"))), tree(bundle / "rootfs")
    finally:
        engine.layers.remove("c")
    assert ours.keys() == theirs.keys()
    assert {p for p in ours if ours[p] != theirs[p]} == set()


async def test_an_image_is_found_by_each_of_its_names(engine: Engine, registry: Registry) -> None:
    image = await engine.images.pull(f"{registry.host}/box:1")
    digest = image.repo_digests[0]
    for name in (f"{registry.host}/box:1", digest, image.id, image.id[7:], image.id[:15]):
        assert engine.images.get(name).id == image.id
    assert engine.images.get(image.id[7:13]).id == image.id
    with pytest.raises(NotFound, match=f"No such image: {registry.host}/box:latest"):
        engine.images.get(f"{registry.host}/box")
    pulled = await engine.images.pull(digest)
    assert pulled.id == image.id


async def test_refusals_have_the_words_of_docker(engine: Engine, registry: Registry) -> None:
    name = f"{registry.host}/none:2"
    words = f"manifest for {name} not found: manifest unknown: manifest unknown"
    with pytest.raises(NotFound, match=words):
        await engine.images.pull(name)
    absent = "sha256:" + "a" * 64
    with pytest.raises(NotFound, match=f"manifest for {registry.host}/box@{absent} not found"):
        await engine.images.pull(f"{registry.host}/box@{absent}")
    refused = 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'
    with pytest.raises(System, match=refused):
        await engine.images.pull("127.0.0.1:1/x")


async def test_a_layer_that_does_not_match_leaves_nothing(
    engine: Engine, registry: Registry
) -> None:
    image = await engine.images.pull(f"{registry.host}/team/big:1")
    source = next(iter(engine.images.known_sources(image.layers[1])))
    engine.images.remove(image.id, force=True)
    blob = registry.blob(source.digest)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    words = f"filesystem layer verification failed for digest {source.digest}"
    with pytest.raises(System, match=words):
        await engine.images.pull(f"{registry.host}/team/big:1")
    assert engine.leftovers() == []
    assert engine.images.list() == []


async def test_a_platform_is_chosen_from_an_index(
    engine: Engine, registry: Registry, shelf: Path, tmp_path: Path
) -> None:
    manifests = []
    for name, platform in (("big", "unknown/unknown"), ("small", "linux/amd64")):
        target = f"{registry.host}/multi:{name}"
        push(shelf, name, target)
        data = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{target}")
        system, _, architecture = platform.partition("/")
        described = {
            "mediaType": oci.OCI_MANIFEST,
            "digest": Digest.of(data.encode()),
            "size": len(data),
            "platform": {"os": system, "architecture": architecture},
        }
        if system == "unknown":
            described["annotations"] = {oci.REFERENCE_TYPE: "attestation-manifest"}
        manifests.append(described)
    document = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": manifests}
    index = tmp_path / "index.json"
    index.write_text(json.dumps(document))
    run(
        *("curl", "-sf", "-X", "PUT", "--data-binary", f"@{index}"),
        *("-H", "Content-Type: application/vnd.oci.image.index.v1+json"),
        f"http://{registry.host}/v2/multi/manifests/latest",
    )
    image = await engine.images.pull(f"{registry.host}/multi", platform="linux/amd64")
    assert image.repo_digests == [
        f"{registry.host}/multi@sha256:{Digest.of(index.read_bytes()).hex}"
    ]
    words = "no matching manifest for linux/arm64 in the manifest list entries"
    with pytest.raises(NotFound, match=words):
        await engine.images.pull(f"{registry.host}/multi", platform="linux/arm64")


async def test_a_full_disk_is_said_and_leaves_nothing(registry: Registry, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small))
    try:
        engine = Engine(small)
        with pytest.raises(System, match="no space left on device"):
            await engine.images.pull(f"{registry.host}/box:1")
        assert engine.leftovers() == []
        await engine.close()
    finally:
        run("umount", str(small))


async def test_a_pull_that_is_cancelled_leaves_nothing(engine: Engine, registry: Registry) -> None:
    for moment in ("Pulling fs layer", "Downloading", "Extracting", "Pull complete"):
        seen = asyncio.Event()

        def tell(message: dict[str, Any], moment: str = moment, seen: asyncio.Event = seen) -> None:
            if message["status"] == moment:
                seen.set()

        work = asyncio.create_task(engine.images.pull(f"{registry.host}/team/big:1", progress=tell))
        await seen.wait()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        assert engine.leftovers() == [] or engine.images.list()


PULLING = """
import asyncio, sys
from pathlib import Path
from suites.registry_world import Engine
async def main():
    engine = Engine(Path(sys.argv[1]))
    print("ready", flush=True)
    while True:
        image = await engine.images.pull(sys.argv[2])
        engine.images.remove(image.id, force=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("moment_ms", [5, 20, 35, 50, 65, 80])
async def test_kill_9_in_a_pull_leaves_no_half_image(
    registry: Registry, tmp_path: Path, moment_ms: int
) -> None:
    name = f"{registry.host}/team/big:1"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PULLING, str(tmp_path / "killed"), name),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["tests", *sys.path])},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), moment_ms / 1000)
    process.kill()
    await process.wait()
    engine = Engine(tmp_path / "killed")
    for image in engine.images.list():
        assert engine.images.get(name).id == image.id
        assert engine.layers.layer_size(image.top_layer) == image.size
        engine.images.remove(name)
    assert engine.leftovers() == []
    await engine.close()


async def test_a_private_registry_wants_a_name_and_a_password(
    engine: Engine, shelf: Path, tmp_path: Path
) -> None:
    (tmp_path / "htpasswd").write_text(f"me:{BCRYPT_OF_SECRET}\n")
    more = f"auth: {{htpasswd: {{realm: here, path: {tmp_path / 'htpasswd'}}}}}"
    with registry_world.registry(tmp_path, more) as served:
        push(shelf, "small", f"{served.host}/box:1", "--dest-creds=me:secret")
        with pytest.raises(Unauthorized, match="no basic auth credentials"):
            await engine.images.pull(f"{served.host}/box:1")
        auth = {"username": "me", "password": "secret"}
        image = await engine.images.pull(f"{served.host}/box:1", auth=auth)
        assert image.repo_tags == [f"{served.host}/box:1"]
