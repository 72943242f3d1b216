"""The caller of the Engine API, against literal bytes."""

import socket
import threading
from pathlib import Path

import pytest

from boxship.api.docker.client import Client, Refused, Request
from boxship.api.docker.endpoint import Endpoint
from boxship.api.docker.http import query_string
from boxship.model.errors import Forbidden, Invalid, NotFound, Unavailable

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nContent-Length: 0\r\n\r\n"


class Engine:
    """Answers each request with the next of its answers; keeps what it was sent."""

    def __init__(self, path: Path, answers: list[bytes]) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while self.answers:
            link, _ = self.listener.accept()
            self.connections += 1
            with link:
                while self.answers and (data := link.recv(65536)):
                    self.requests.append(data)
                    answer = self.answers.pop(0)
                    link.sendall(answer)
                    if b"Connection: close" in answer:
                        break
        self.listener.close()


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(Endpoint(f"unix://{tmp_path}/socket"))


def test_the_version_is_agreed_on_once(tmp_path: Path, client: Client) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    engine = Engine(tmp_path / "socket", [PING, answer, answer])
    assert client.get("/containers/json", all=True, limit=None) == []
    assert client.get("/images/json") == []
    client.close()
    engine.thread.join()
    assert [request.split(b"\r\n")[0] for request in engine.requests] == [
        b"HEAD /_ping HTTP/1.1",
        b"GET /v1.44/containers/json?all=1 HTTP/1.1",
        b"GET /v1.44/images/json HTTP/1.1",
    ]
    assert engine.connections == 1


def test_a_refusal_has_the_engines_words(tmp_path: Path, client: Client) -> None:
    body = b'{"message":"No such container: x"}'
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body)
    engine = Engine(tmp_path / "socket", [PING, head + body])
    with pytest.raises(Refused) as refusal:
        client.delete("/containers/x")
    assert refusal.value.kind is NotFound
    assert str(refusal.value) == "No such container: x"
    client.close()
    engine.thread.join()


def test_a_stream_of_messages_comes_in_any_pieces(tmp_path: Path, client: Client) -> None:
    body = b'5\r\n{"a":\r\n6\r\n1}\r\n{"\r\n5\r\nb":2}\r\n0\r\n\r\n'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    engine = Engine(tmp_path / "socket", [PING, head + body])
    assert list(client.messages("GET", "/events", Request())) == [{"a": 1}, {"b": 2}]
    client.close()
    engine.thread.join()


@pytest.mark.parametrize("rest", [b"", b"5\r\n{", b'7\r\n{"a":1}\r\n'])
def test_an_answer_that_is_cut_short_is_no_end(tmp_path: Path, client: Client, rest: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    engine = Engine(tmp_path / "socket", [PING, head + rest])
    with pytest.raises(Unavailable, match="in the middle of an answer"):
        list(client.messages("GET", "/events", Request()))
    client.close()
    engine.thread.join()


def test_a_hijacked_connection_keeps_its_first_bytes(tmp_path: Path, client: Client) -> None:
    head = (
        b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n"
        b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    engine = Engine(tmp_path / "socket", [PING, head + b"early"])
    pipe = client.hijack("/containers/x/attach", Request(query={"stream": True}))
    assert pipe.framed
    assert pipe.early == b"early"
    pipe.link.close()
    engine.thread.join()


def test_no_engine_and_no_answer(tmp_path: Path, client: Client) -> None:
    with pytest.raises(Unavailable, match="Is the docker daemon running"):
        client.get("/info")
    engine = Engine(tmp_path / "socket", [b"nonsense\r\n\r\nConnection: close"])
    with pytest.raises(Unavailable, match="not HTTP"):
        client.get("/info")
    engine.thread.join()


def test_a_socket_of_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", denied)
    with pytest.raises(Forbidden, match="permission denied while trying to connect") as refusal:
        Endpoint(f"unix://{tmp_path}/socket").connect()
    assert "group" in refusal.value.hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("unix:///run/x.sock", "unix:///run/x.sock"),
        ("tcp://host:1", "tcp://host:1"),
        ("host:1", "tcp://host:1"),
        ("tcp://host", "tcp://host:2375"),
    ],
)
def test_addresses(text: str, meant: str) -> None:
    assert Endpoint(text).text == meant


def test_what_is_no_address() -> None:
    for text in ("ssh://host", "tcp://host:x"):
        with pytest.raises(Invalid, match="unable to parse docker host"):
            Endpoint(text)


def test_queries() -> None:
    query = {"a": True, "b": None, "c": "x y/ü", "d": ["1", "2"], "e": False, "f": 0}
    assert query_string(query) == "?a=1&c=x%20y%2F%C3%BC&d=1&d=2&f=0"
