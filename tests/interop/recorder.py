"""An engine that does nothing but remember what it was asked to create."""

import json
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

Json = Any

CONTAINER_ID = "c0ffee" * 10 + "abcd"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(200, None)

    def do_GET(self) -> None:
        self.answer(200, {})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if "/containers/create" in self.path:
            query = self.path.partition("?")[2]
            self.server.requests.append((query, json.loads(body)))  # type: ignore[attr-defined]
            self.answer(201, {"Id": CONTAINER_ID, "Warnings": []})
        else:
            self.answer(200, {})

    def answer(self, status: int, body: Json) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.50")
        self.send_header("Ostype", "linux")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if data:
            self.wfile.write(data)

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: Json) -> None:
        return


class Recorder(ThreadingMixIn, UnixStreamServer):
    """`with Recorder(path) as recorder: ...`; `requests` holds (query, body) of each create."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.requests: list[tuple[str, Json]] = []
        self.folder = path.parent
        super().__init__(str(path), Handler)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def __exit__(self, *_: Json) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()
