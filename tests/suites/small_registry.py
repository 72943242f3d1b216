"""A registry of one image on loopback, that can lie, or stall in the middle of a layer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")


def layer_of(**files: bytes) -> bytes:
    """A tar with these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Registry(ThreadingHTTPServer):
    """Serves `small:latest`; `lies` and `stalls` are set of layers by number."""

    daemon_threads = True

    def __init__(self, *layers: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        packed = [gzip.compress(layer, 1) for layer in layers]
        config = json.dumps(
            {
                "architecture": _ARCHITECTURE,
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
            }
        ).encode()
        self.digests = [_digest(data) for data in packed]
        self.blobs = dict(zip(self.digests, packed, strict=True)) | {_digest(config): config}
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _descriptor(_CONFIG, config),
                "layers": [_descriptor(_LAYER, data) for data in packed],
            }
        ).encode()
        self.name = f"127.0.0.1:{self.server_port}/small:latest"
        self.stalls: set[str] = set()
        self.stalled = threading.Event()
        self.go_on = threading.Event()

    def lie(self, number: int) -> str:
        """Serve other bytes of the same length for a layer; its digest."""
        digest = self.digests[number]
        self.blobs[digest] = bytes(len(self.blobs[digest]))
        return digest

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, *, send: bool) -> None:
        last = self.path.rpartition("/")[2]
        if "/manifests/" in self.path:
            self._send(MANIFEST, self.server.manifest, send=send)
        elif last in self.server.blobs:
            self._send("application/octet-stream", self.server.blobs[last], send=send)
        elif self.path == "/v2/":
            self._send("application/json", b"{}", send=send)
        else:
            self.send_error(404)

    def _send(self, kind: str, data: bytes, *, send: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if send and self.path.rpartition("/")[2] in self.server.stalls:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.go_on.wait(60)
            data = data[len(data) // 2 :]
        if send:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


@contextmanager
def registry(*layers: bytes) -> Iterator[Registry]:
    """A registry while the block lasts."""
    with Registry(*layers) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            made.go_on.set()
            made.shutdown()
            thread.join()
