"""A real registry on loopback, filled by skopeo and umoci, and an engine's images beside it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from boxship.api.registry.client import RegistryClient
from boxship.images.images import Images
from boxship.storage.blobs import BlobStore
from boxship.storage.overlay2 import Overlay2

NEEDED = ("docker-registry", "skopeo", "umoci")
_CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{accesslog: {{disabled: true}}}}
{more}
"""


def missing() -> list[str]:
    """The programs of others that are not here."""
    return [name for name in NEEDED if shutil.which(name) is None]


class Registry:
    """Debian's docker-registry: its port, and where its blobs are."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.port = port
        self.host = f"127.0.0.1:{port}"

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        hexdigits = digest.partition(":")[2]
        return self.root / f"docker/registry/v2/blobs/sha256/{hexdigits[:2]}/{hexdigits}/data"


@contextmanager
def registry(path: Path, more: str = "") -> Iterator[Registry]:
    """A registry while the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = path / "registry.yml"
    config.write_text(_CONFIG.format(root=path / "registry", port=port, more=more))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        assert process.stderr is not None
        while b"listening on" not in (line := process.stderr.readline()):
            assert line, "the registry did not start"
        yield Registry(path / "registry", port)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """Run a program of others; what it says."""
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def oci_image(layout: Path, tag: str, layers: list[bytes]) -> None:
    """An image in an OCI layout, made by umoci from plain tars."""
    if not layout.exists():
        run("umoci", "init", "--layout", str(layout))
    run("umoci", "new", "--image", f"{layout}:{tag}")
    for index, layer in enumerate(layers):
        path = layout.parent / f"{tag}-{index}.tar"
        path.write_bytes(layer)
        run("umoci", "raw", "add-layer", "--image", f"{layout}:{tag}", str(path))


def push(layout: Path, tag: str, target: str, *options: str) -> None:
    """Copy an image from a layout into a registry."""
    run(
        *("skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", *options),
        *(f"oci:{layout}:{tag}", f"docker://{target}"),
    )


class Engine:
    """The parts of an engine that know of images."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.layers = Overlay2(str(root))
        self.blobs = BlobStore(str(root / "blobs"))
        self.registry = RegistryClient()
        self.images = Images(str(root), self.blobs, self.layers, self.registry)
        self.layers.recover(set())
        self.images.recover()

    def leftovers(self) -> list[str]:
        """All files and directories of layers, blobs and spool."""
        self.layers.settle()
        places = ("overlay2", "blobs/sha256", "blobs/incoming", "spool", "trash")
        return [
            f"{place}/{name}"
            for place in places
            if (self.root / place).exists()
            for name in os.listdir(self.root / place)
            if name != "l"
        ]

    async def close(self) -> None:
        """Let go of everything."""
        await self.registry.close()
        self.images.close()
        self.layers.close()


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """All that can be seen of a tree, by path: kind, mode, owner, time, contents, attributes."""
    found: dict[str, tuple[object, ...]] = {}
    inodes: dict[int, str] = {}
    for folder, names, files in os.walk(root):
        for name in sorted(names + files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            inner = os.path.relpath(path, root)
            first = inodes.setdefault(status.st_ino, inner) if status.st_nlink > 1 else inner
            link = os.path.islink(path)
            content: object = os.readlink(path) if link else None
            if os.path.isfile(path) and not link:
                content = Path(path).read_bytes()
            xattrs = {
                key: os.getxattr(path, key, follow_symlinks=False)
                for key in os.listxattr(path, follow_symlinks=False)
                if not key.startswith("trusted.overlay.")
            }
            found[inner] = (
                *(status.st_mode, status.st_uid, status.st_gid, status.st_rdev),
                *(int(status.st_mtime), content, first if not os.path.isdir(path) else "", xattrs),
            )
    return found
