"""kill -9 of daemon and supervisor: containers go on, and nothing that happened is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest

from suites.engine_world import (
    IMAGE,
    Daemon,
    fresh_config,
    leave_nothing,
    root_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root

COUNT = "i=0; while :; do echo $i; i=$((i+1)); usleep 5000; done"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    config = fresh_config()
    found = Daemon(config)
    found.start()
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


def test_containers_outlive_the_daemon_with_every_line_and_exit_code(daemon: Daemon) -> None:
    daemon.run("counter", "sh", "-c", COUNT)
    daemon.run("short", "sh", "-c", "sleep 0.3; exit 7")
    daemon.run("gone", "sh", "-c", "sleep 0.3", AutoRemove=True)
    pid = daemon.inspect("counter")["State"]["Pid"]
    daemon.kill()
    time.sleep(0.6)  # what happens meanwhile happens without a daemon
    daemon.start()
    assert daemon.inspect("counter")["State"]["Pid"] == pid
    assert daemon.wait_for("short", "exited")["ExitCode"] == 7
    assert daemon.ask("GET", "/containers/gone/json")[0] == 404
    assert daemon.ask("POST", "/containers/counter/stop?t=0")[0] == 204
    lines = logged(daemon, "counter")
    assert lines == [str(n) for n in range(len(lines))]


def test_containers_outlive_the_supervisor(daemon: Daemon) -> None:
    daemon.run("web1", "sleep", "1000")
    daemon.run("short", "sh", "-c", "sleep 0.2; exit 7")
    daemon.kill_supervisor()
    assert daemon.wait_for("short", "exited")["ExitCode"] == 7
    status, made = daemon.ask("POST", "/containers/web1/exec", {"Cmd": ["true"]})
    assert status == 201
    assert daemon.ask("POST", f"/exec/{made['Id']}/start", {"Detach": True})[0] == 200
    daemon.run("next", "sleep", "1000")
    assert daemon.ask("POST", "/containers/web1/stop?t=0")[0] == 204


def test_both_at_once(daemon: Daemon) -> None:
    daemon.run("web1", "sleep", "1000")
    daemon.run("short", "sh", "-c", "sleep 0.2; exit 9")
    daemon.kill()
    daemon.kill_supervisor()
    time.sleep(0.4)
    daemon.start()
    assert daemon.wait_for("short", "exited")["ExitCode"] == 9
    assert daemon.inspect("web1")["State"]["Running"]
    assert daemon.ask("POST", "/containers/web1/kill")[0] == 204
    assert daemon.wait_for("web1", "exited")["ExitCode"] == 137


def test_a_killed_shim_takes_its_container_and_that_is_recorded(daemon: Daemon) -> None:
    daemon.run("web1", "sleep", "1000")
    pid = daemon.inspect("web1")["State"]["Pid"]
    with open(f"/proc/{pid}/stat") as stat:
        shim = int(stat.read().rpartition(")")[2].split()[1])
    os.kill(shim, 9)
    state = daemon.wait_for("web1", "exited")
    assert state["ExitCode"] == 137
    assert state["Error"] == "the shim of the container ended, and the container with it"
    assert daemon.ask("POST", "/containers/web1/start")[0] == 204


def test_an_orderly_stop_keeps_containers_and_policies_act_at_the_start(daemon: Daemon) -> None:
    daemon.run("web1", "sleep", "1000")
    daemon.run("always", "sleep", "1000", RestartPolicy={"Name": "always"})
    daemon.run("unless", "sleep", "1000", RestartPolicy={"Name": "unless-stopped"})
    pid = daemon.inspect("web1")["State"]["Pid"]
    for name in ("always", "unless"):
        assert daemon.ask("POST", f"/containers/{name}/stop?t=0")[0] == 204
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.inspect("web1")["State"]["Pid"] == pid
    daemon.wait_for("always", "running")
    assert daemon.inspect("unless")["State"]["Status"] == "exited"


def test_a_start_that_was_cut_short_leaves_nothing(daemon: Daemon) -> None:
    """Killed at some points in the middle of runs: each container is whole or not there."""
    for delay_ms in (5, 15, 30, 50, 80):
        runner = threading.Thread(target=_run_and_fail, args=(daemon, f"r{delay_ms}"))
        runner.start()
        time.sleep(delay_ms / 1000)
        daemon.kill()
        runner.join()
        daemon.start()
        for entry in daemon.ask("GET", "/containers/json?all=1")[1]:
            status, answer = daemon.ask("DELETE", f"/containers/{entry['Id']}?force=1&v=1")
            assert status == 204, answer
        assert os.listdir(f"{daemon.config.data_root}/containers") == []
        with open("/proc/self/mounts") as mounts:
            assert [line for line in mounts if f" {root_of(daemon.config)}" in line] == []


def _run_and_fail(daemon: Daemon, name: str) -> None:
    try:
        daemon.run(name, "sleep", "1000")
    except (OSError, AssertionError, HTTPException):  # the daemon was killed under it
        return


def test_two_daemons_never_share_a_pid_file(daemon: Daemon) -> None:
    flags = ["--pidfile", daemon.config.pidfile, "--data-root", f"{daemon.config.data_root}-other"]
    second = subprocess.run(
        [sys.executable, "-m", "boxship", "daemon", *flags], capture_output=True, check=False
    )
    assert second.returncode == 1
    assert f"process with PID {daemon.pid} is still running" in second.stderr.decode()
