"""Root's first command starts the engine of this host."""

import os
import socket
import threading
from pathlib import Path

import pytest

from boxship.cli import local_engine
from boxship.cli.failure import Failure
from boxship.cli.local_engine import LocalEndpoint
from boxship.model.errors import Unavailable


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalEndpoint:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(local_engine, "LOG", str(tmp_path / "log"))
    monkeypatch.setattr(local_engine, "PATIENCE_FOR_OTHERS_S", 0.1)
    return LocalEndpoint(f"unix://{tmp_path}/socket")


def test_an_engine_is_started_and_waited_for(
    endpoint: LocalEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    listener = socket.socket(socket.AF_UNIX)

    def start() -> int:
        pid = os.posix_spawn("/bin/sleep", ["sleep", "0"], {})
        threading.Timer(0.05, lambda: (listener.bind(endpoint.path), listener.listen())).start()
        return pid

    monkeypatch.setattr(local_engine, "_start", start)
    endpoint.connect().close()
    listener.close()
    assert "no engine runs here: starting one" in capsys.readouterr().err


def test_an_engine_that_cannot_start_shows_its_log(
    endpoint: LocalEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> int:
        (tmp_path / "log").write_text("the port is taken\n")
        return os.posix_spawn("/bin/false", ["false"], {})

    monkeypatch.setattr(local_engine, "_start", start)
    with pytest.raises(Failure, match=r"ended with code 1; (?s:.*)the port is taken"):
        endpoint.connect()


def test_others_than_root_start_nothing(
    endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="Is the docker daemon running"):
        endpoint.connect()
