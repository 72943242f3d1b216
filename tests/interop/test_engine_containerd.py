"""The daemon on Debian's real containerd: `--containerd SOCKET`, its runc shim, FIFOs, our log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from suites.cli_world import DOCKER, OURS, Client
from suites.engine_world import IMAGE, PATIENCE_S, Daemon, fresh_config, leave_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("containerd"), reason="containerd is not installed"),
]

CONFIG = """
version = 2
root = "{root}/root"
state = "{root}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{root}/c.sock"
"""


@pytest.fixture(scope="module")
def containerd() -> Iterator[str]:
    root = tempfile.mkdtemp(prefix="cd-", dir="/tmp")
    with open(f"{root}/config.toml", "w") as config:
        config.write(CONFIG.format(root=root))
    with open(f"{root}/log", "wb") as log:
        process = subprocess.Popen(
            ["containerd", "-c", f"{root}/config.toml"], stderr=log, stdout=log
        )
    deadline = time.monotonic() + PATIENCE_S
    while not os.path.exists(f"{root}/c.sock"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"{root}/c.sock"
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)
    shutil.rmtree(root)


@pytest.fixture
def daemon(containerd: str) -> Iterator[Daemon]:
    config = fresh_config()
    found = Daemon(config)
    found.start("--containerd", containerd)
    status, answer = found.ask("POST", f"/images/bootstrap?kind=busybox&t={IMAGE}")
    assert status == 200, answer
    yield found
    for entry in found.ask("GET", "/containers/json?all=1")[1]:
        found.ask("DELETE", f"/containers/{entry['Id']}?force=1&v=1")
    assert found.stop() == 0, found.log()
    leave_nothing(config)


def logged(daemon: Daemon, name: str) -> list[str]:
    with open(daemon.inspect(name)["LogPath"]) as log:
        return [line.split('"')[3].removesuffix("\\n") for line in log]


def test_the_same_containers_run_on_a_real_containerd(daemon: Daemon, containerd: str) -> None:
    daemon.run("short", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert daemon.wait_for("short", "exited")["ExitCode"] == 7
    assert sorted(logged(daemon, "short")) == ["err", "out"]
    assert daemon.inspect("short")["HostConfig"]["Runtime"] == "io.containerd.runc.v2"

    container_id = daemon.run("web1", "sleep", "1000")
    listed = subprocess.run(
        ["ctr", "-a", containerd, "-n", "moby", "tasks", "ls"], capture_output=True, check=True
    )
    assert container_id in listed.stdout.decode()
    assert daemon.ask("POST", "/containers/web1/pause")[0] == 204
    assert daemon.ask("POST", "/containers/web1/unpause")[0] == 204
    status, made = daemon.ask("POST", "/containers/web1/exec", {"Cmd": ["sh", "-c", "exit 3"]})
    assert status == 201
    assert daemon.ask("POST", f"/exec/{made['Id']}/start", {"Detach": True})[0] == 200
    deadline = time.monotonic() + PATIENCE_S
    while (found := daemon.ask("GET", f"/exec/{made['Id']}/json")[1])["ExitCode"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found["ExitCode"] == 3
    assert daemon.ask("POST", "/containers/web1/stop?t=0")[0] == 204
    assert daemon.inspect("web1")["State"]["ExitCode"] == 137


def test_a_missing_program_is_told_in_the_same_words(daemon: Daemon) -> None:
    body = {"Image": IMAGE, "Cmd": ["nosuch"]}
    assert daemon.ask("POST", "/containers/create?name=bad1", body)[0] == 201
    status, answer = daemon.ask("POST", "/containers/bad1/start")
    assert status == 400
    assert 'exec: "nosuch": executable file not found in $PATH' in answer["message"]
    assert daemon.inspect("bad1")["State"]["ExitCode"] == 127


def test_no_line_is_lost_while_the_daemon_is_down(daemon: Daemon, containerd: str) -> None:
    count = "i=0; while :; do echo $i; i=$((i+1)); usleep 5000; done"
    daemon.run("counter", "sh", "-c", count)
    daemon.run("short", "sh", "-c", "sleep 0.3; exit 9")
    daemon.kill()
    time.sleep(0.6)
    daemon.start("--containerd", containerd)
    assert daemon.wait_for("short", "exited")["ExitCode"] == 9
    assert daemon.ask("POST", "/containers/counter/stop?t=0")[0] == 204
    lines = logged(daemon, "counter")
    assert len(lines) > 50
    assert lines == [str(n) for n in range(len(lines))]


@pytest.mark.parametrize("program", [DOCKER, OURS], ids=["docker", "ours"])
def test_both_clients_are_at_home_there(daemon: Daemon, containerd: str, program: str) -> None:
    """Point 3: run, exit codes, logs, terminals, detach, attach; the daemon killed in between."""
    if not program:
        pytest.skip("the docker client is not installed")
    client = Client(program, daemon.config.hosts[0])
    run = ("run", "--rm", IMAGE, "sh", "-c")
    assert client.run(*run, "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")
    assert client.run("run", "--rm", IMAGE, "nosuch")[0] == 127
    assert client.run("run", "-i", "--rm", IMAGE, "cat", stdin=b"in")[1] == "in"
    hello = [("send", b"echo he''llo\r"), ("until", b"hello\r\n")]
    size = [("send", b"stty size\r"), ("until", b"40 100\r\n")]
    shell, leave = ("sh", "-c", "PS1= exec sh"), ("send", b"\x10\x11")
    words = ["run", "-it", "--name", "tty1", IMAGE, *shell]
    assert client.typed(words, [*hello, *size, leave])[0] == 0
    daemon.kill()
    daemon.start("--containerd", containerd)
    code, shown = client.typed(["attach", "tty1"], [*hello, leave])
    assert (code, shown.endswith(b"read escape sequence\r\n")) == (1, True)
    assert client.typed(["exec", "-it", "tty1", *shell], [*size, ("send", b"exit 9\r")])[0] == 9
    assert client.typed(["attach", "tty1"], [*hello, ("send", b"exit 5\r")])[0] == 5
    code, out, _ = client.run("logs", "tty1")
    assert (code, out.count("hello\r\n")) == (0, 3)
    assert client.run("inspect", "-f", "{{.State.ExitCode}}", "tty1")[1] == "5\n"
