"""kill -9 of daemon, supervisor, zygote, shim: containers go on, what happened is known, all works.

tests/chaos kills at many more moments.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from suites import engine_deaths
from suites.census import alive
from suites.engine_deaths import IMAGE, Engine, until
from suites.small_registry import layer_of, registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.root

DEATHS = [("daemon",), ("supervisor",), ("daemon", "supervisor"), ("supervisor", "zygote")]
BY_NAMES = {"ids": "+".join}

RUNCS_SHIM = "containerd-shim-runc-v2"

# 500 numbered lines at once, fifty times a second.
COUNTING = "i=0; while :; do seq $i $((i+499)); i=$((i+500)); usleep 20000; done"


@pytest.fixture(scope="module")
def one() -> Iterator[Engine]:
    with engine_deaths.engine() as made:
        yield made


@pytest.fixture
def engine(one: Engine) -> Iterator[Engine]:
    """The engine; each test leaves it as it was."""
    if one._process is None:
        one.start()
    before = one.census.of_containers()
    yield one
    if one._process is None:
        one.start()
    if names := one.names():
        one.do("rm", "-f", "-v", *names)
    one.until_as(before)


def size(engine: Engine, name: str) -> int:
    return os.path.getsize(engine.inspect(name)["LogPath"])


def numbers(engine: Engine, name: str) -> list[int]:
    """The numbers that the log of a counting container has, in order."""
    with open(engine.inspect(name)["LogPath"], "rb") as log:
        return [int(json.loads(line)["log"]) for line in log]


def waiting(engine: Engine, folder: Path, name: str, *flags: str, code: int = 7) -> int:
    """Run a container that ends with `code` once FOLDER/NAME is there; its pid."""
    script = f"until [ -e /v/{name} ]; do usleep 5000; done; exit {code}"
    engine.do("run", "-d", "--name", name, "-v", f"{folder}:/v", *flags, IMAGE, "sh", "-c", script)
    return int(engine.inspect(name)["State"]["Pid"])


def end(folder: Path, name: str, pid: int) -> None:
    """Let such a container end, and see that it has."""
    (folder / name).touch()
    until(lambda: not alive(pid), lambda: f"{name} goes on")


def test_every_line_is_in_the_log_and_once(engine: Engine) -> None:
    engine.do("run", "-d", "--name", "counter", IMAGE, "sh", "-c", COUNTING)
    pid = engine.inspect("counter")["State"]["Pid"]
    for names in DEATHS:
        engine.strike(*names)
        engine.recover()
        enough = size(engine, "counter") + (100 << 10)
        until(lambda enough=enough: size(engine, "counter") > enough, engine.log)
    assert engine.inspect("counter")["State"]["Pid"] == pid
    engine.do("stop", "-t", "0", "counter")
    found = numbers(engine, "counter")
    assert found == list(range(len(found)))
    assert engine.do("logs", "counter").split() == [str(number) for number in found]


@pytest.mark.skipif(not shutil.which(RUNCS_SHIM), reason=f"{RUNCS_SHIM} is not installed")
def test_every_line_of_a_container_behind_runcs_shim(engine: Engine, tmp_path: Path) -> None:
    """The daemon is its logger: the FIFOs keep what is said while there is none, and are full."""
    script = f"{COUNTING.replace(':', '[ ! -e /v/go ]', 1)}; echo $i; echo $i >/v/last"
    flags = ["--runtime", "io.containerd.runc.v2", "-v", f"{tmp_path}:/v"]
    engine.do("run", "-d", "--name", "counter", *flags, IMAGE, "sh", "-c", script)
    for names in DEATHS:
        engine.strike(*names)
        engine.recover()
        enough = size(engine, "counter") + (100 << 10)
        until(lambda enough=enough: size(engine, "counter") > enough, engine.log)
    (tmp_path / "go").touch()
    engine.until_status("counter", "exited")
    found = numbers(engine, "counter")
    assert found == list(range(int((tmp_path / "last").read_text()) + 1))


@pytest.mark.parametrize("names", DEATHS, **BY_NAMES)
def test_an_end_in_the_meantime_is_known(
    engine: Engine, tmp_path: Path, names: tuple[str, ...]
) -> None:
    pid = waiting(engine, tmp_path, "seven")
    removed = waiting(engine, tmp_path, "removed", "--rm")
    engine.strike(*names)
    end(tmp_path, "removed", removed)
    end(tmp_path, "seven", pid)
    ended = time.time()
    if "daemon" in names:
        time.sleep(0.3)  # so that the time of the restart could not be taken for that of the end
    engine.recover()
    state = engine.until_status("seven", "exited")
    assert (state["ExitCode"], state["Error"], state["Pid"]) == (7, "", 0)
    finished = datetime.fromisoformat(state["FinishedAt"]).timestamp()
    assert ended - 0.25 < finished <= ended
    assert engine.do("wait", "seven") == "7"
    until(lambda: engine.names() == ["seven"], lambda: str(engine.names()))


@pytest.mark.parametrize("names", DEATHS, **BY_NAMES)
def test_everything_works_after_a_restart(engine: Engine, names: tuple[str, ...]) -> None:
    script = (
        "mkdir /w; echo page >/w/p; httpd -p 80 -h /w; echo up; while read x; do echo got $x; done"
    )
    flags = ["-di", "--name", "web1", "-p", "127.0.0.1::80", IMAGE]
    engine.do("run", *flags, "sh", "-c", script)
    port = engine.do("port", "web1", "80").splitlines()[0]
    until(lambda: engine.do("logs", "web1") == "up", engine.log)
    engine.strike(*names)
    with urlopen(f"http://{port}/p", timeout=10) as page:  # also while nobody is there
        assert page.read() == b"page\n"
    engine.recover()
    assert engine.do("ps", "--format", "{{.Names}} {{.State}}") == "web1 running"
    assert engine.do("port", "web1", "80").splitlines()[0] == port
    with urlopen(f"http://{port}/p", timeout=10) as page:
        assert page.read() == b"page\n"
    assert engine.type("exec", "web1", "sh", "-c", "exit 3")[0] == 3
    with engine.client("logs", "-f", "web1") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"up\n"
        with engine.client("attach", "web1") as attached:
            assert attached.stdin is not None
            assert attached.stdout is not None
            attached.stdin.write(b"tea\n")
            attached.stdin.flush()
            assert attached.stdout.readline() == b"got tea\n"
            assert following.stdout.readline() == b"got tea\n"
            engine.do("stop", "-t", "0", "web1")
            assert attached.wait(10) == 137
            assert following.wait(10) == 0
    assert engine.until_status("web1", "exited")["ExitCode"] == 137
    engine.do("rm", "web1")
    assert engine.names() == []


def test_who_waits_and_follows_hears_the_end_when_the_supervisor_was_killed(
    engine: Engine, tmp_path: Path
) -> None:
    pid = waiting(engine, tmp_path, "seven")
    with engine.client("wait", "seven") as waits, engine.client("logs", "-f", "seven") as follows:
        engine.strike("supervisor")
        end(tmp_path, "seven", pid)
        assert waits.stdout is not None
        assert waits.stdout.read() == b"7\n"
        assert follows.wait(10) == 0


def test_an_attached_client_does_not_notice_the_death_of_the_supervisor(engine: Engine) -> None:
    script = "while read x; do echo got $x; done; exit 5"
    with engine.client("run", "-i", "--name", "talk", IMAGE, "sh", "-c", script) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        for word in (b"tea", b"milk"):
            client.stdin.write(word + b"\n")
            client.stdin.flush()
            assert client.stdout.readline() == b"got " + word + b"\n"
            engine.strike("supervisor", "zygote")
        client.stdin.close()
        assert client.stdout.read() == b""
        assert client.wait(20) == 5


def test_an_exec_tells_its_exit_code_though_the_supervisor_is_killed(
    engine: Engine, tmp_path: Path
) -> None:
    engine.do("run", "-d", "--name", "host", "-v", f"{tmp_path}:/v", IMAGE, "sleep", "1000")
    script = "echo up; until [ -e /v/go ]; do usleep 5000; done; exit 3"
    with engine.client("exec", "host", "sh", "-c", script) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"up\n"
        engine.strike("supervisor")
        (tmp_path / "go").touch()
        assert client.wait(20) == 3


def test_a_stop_in_progress_goes_on_though_the_supervisor_is_killed(engine: Engine) -> None:
    engine.do("run", "-d", "--name", "deaf", IMAGE, "sh", "-c", "trap '' TERM; sleep 1000")
    with engine.client("stop", "-t", "1", "deaf") as client:
        time.sleep(0.3)  # in the middle of its patience
        engine.strike("supervisor")
        assert client.wait(20) == 0
    state = engine.until_status("deaf", "exited")
    assert (state["ExitCode"], state["Error"]) == (137, "")


def test_after_a_reboot_containers_have_ended_and_can_be_started(engine: Engine) -> None:
    """All processes end, and the exec root, mounts, links and rules are gone."""
    engine.do("run", "-d", "--name", "web1", "-p", "127.0.0.1::80", IMAGE, "sleep", "1000")
    engine.do("run", "-d", "--name", "again", "--restart", "always", IMAGE, "sleep", "1000")
    engine.do("run", "-d", "--name", "gone", "--rm", IMAGE, "sleep", "1000")
    engine.power_off()
    engine.recover()
    state = engine.until_status("web1", "exited")
    assert (state["ExitCode"], state["Pid"]) == (255, 0)
    engine.until_status("again", "running")
    assert engine.names() == ["again", "web1"]
    engine.do("start", "web1")
    assert engine.do("exec", "web1", "echo", "back") == "back"


def test_a_killed_shim_takes_its_container_with_it_and_that_is_recorded(engine: Engine) -> None:
    engine.do("run", "-d", "--name", "victim", IMAGE, "sleep", "1000")
    engine.do("run", "-d", "--name", "again", "--restart", "always", IMAGE, "sleep", "1000")
    engine.do("run", "-d", "--name", "gone", "--rm", IMAGE, "sleep", "1000")
    pid = engine.inspect("victim")["State"]["Pid"]
    for name in ("victim", "again", "gone"):
        os.kill(engine.shim(name), signal.SIGKILL)
    state = engine.until_status("victim", "exited")
    assert state["ExitCode"] == 137
    assert "shim" in state["Error"]
    assert not alive(pid)
    until(lambda: engine.inspect("again")["RestartCount"] == 1, engine.log)
    engine.until_status("again", "running")
    until(lambda: engine.names() == ["again", "victim"], lambda: str(engine.names()))
    engine.do("start", "victim")
    assert engine.inspect("victim")["State"]["Error"] == ""


def test_shims_and_the_zygote_that_would_clean_up_after_them(engine: Engine) -> None:
    before = engine.census.of_containers()
    for name in ("one", "two", "three"):
        engine.do("run", "-d", "--name", name, "--rm", IMAGE, "sleep", "1000")
    shims = [engine.shim(name) for name in ("one", "two", "three")]
    zygote = engine.zygote
    for pid in (*shims, zygote):
        os.kill(pid, signal.SIGKILL)
    engine.until_as(before)
    assert engine.do("run", "--rm", IMAGE, "echo", "hi") == "hi"


@pytest.mark.parametrize("names", DEATHS[:3], **BY_NAMES)
def test_a_shim_that_is_killed_with_its_masters(engine: Engine, names: tuple[str, ...]) -> None:
    engine.do("run", "-d", "--name", "victim", IMAGE, "sleep", "1000")
    engine.do("run", "-d", "--name", "again", "--restart", "always", IMAGE, "sleep", "1000")
    shims = [engine.shim("victim"), engine.shim("again")]
    pid = engine.inspect("victim")["State"]["Pid"]
    engine.strike(*names)
    for shim in shims:
        os.kill(shim, signal.SIGKILL)
    until(lambda: not alive(pid), lambda: "the container goes on without its shim")
    engine.recover()
    state = engine.until_status("victim", "exited")
    assert (state["ExitCode"], "shim" in state["Error"]) == (137, True)
    until(lambda: engine.inspect("again")["State"]["Pid"] > 0, engine.log)


@pytest.mark.parametrize(
    "names", [(), *DEATHS[:3]], ids=["none", "+".join(DEATHS[0]), *DEATHS[1], "both"]
)
def test_a_container_that_was_killed_itself_is_not_laid_to_its_shim(
    engine: Engine, names: tuple[str, ...]
) -> None:
    engine.do("run", "-d", "--name", "victim", IMAGE, "sleep", "1000")
    pid = engine.inspect("victim")["State"]["Pid"]
    engine.strike(*names)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), lambda: "it goes on")
    engine.recover()
    state = engine.until_status("victim", "exited")
    assert (state["ExitCode"], state["Error"]) == (137, "")


def test_restart_policies_act_on_ends_of_the_meantime(engine: Engine, tmp_path: Path) -> None:
    policies = {"always": 0, "unless-stopped": 0, "on-failure": 7, "no": 7}
    pids = {
        name: waiting(engine, tmp_path, name, "--restart", name, code=code)
        for name, code in policies.items()
    }
    fine = waiting(engine, tmp_path, "fine", "--restart", "on-failure", code=0)
    engine.strike("daemon", "supervisor")
    for name, pid in {**pids, "fine": fine}.items():
        end(tmp_path, name, pid)
    for name in (*pids, "fine"):
        (tmp_path / name).unlink()
    engine.recover()
    for name in ("always", "unless-stopped", "on-failure"):
        engine.until_status(name, "running")
    assert engine.until_status("no", "exited")["ExitCode"] == 7
    assert engine.until_status("fine", "exited")["ExitCode"] == 0


def test_a_killed_zygote_is_replaced_and_no_run_fails(engine: Engine) -> None:
    engine.do("run", "-d", "--name", "old", IMAGE, "sleep", "1000")
    old = engine.inspect("old")["State"]["Pid"]
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(engine.type, "run", "--rm", IMAGE, "echo", "hi") for _ in range(12)]
        before = engine.zygote
        engine.strike("zygote")
        assert [run.result()[:2] for run in runs] == [(0, "hi\n")] * 12, engine.log()
    assert engine.zygote != before
    assert engine.inspect("old")["State"]["Pid"] == old
    assert engine.do("exec", "old", "echo", "yes") == "yes"


@pytest.mark.parametrize("names", DEATHS[:3], **BY_NAMES)
def test_an_exec_of_the_time_before_ends_in_peace(
    engine: Engine, tmp_path: Path, names: tuple[str, ...]
) -> None:
    engine.do("run", "-d", "--name", "host", "-v", f"{tmp_path}:/v", IMAGE, "sleep", "1000")
    script = "until [ -e /v/go ]; do usleep 5000; done; echo done >/v/done"
    engine.do("exec", "-d", "host", "sh", "-c", script)
    engine.strike(*names)
    engine.recover()
    (tmp_path / "go").touch()
    until((tmp_path / "done").exists, lambda: "the exec was lost")
    until(lambda: len(engine.inspect("host")["ExecIDs"] or []) == 0, lambda: "it is still listed")
    assert engine.do("exec", "host", "cat", "/v/done") == "done"


def test_a_paused_container_stays_paused(engine: Engine) -> None:
    engine.do("run", "-d", "--name", "ice", IMAGE, "sleep", "1000")
    engine.do("pause", "ice")
    engine.strike("daemon", "supervisor")
    engine.recover()
    assert engine.inspect("ice")["State"]["Status"] == "paused"
    engine.do("unpause", "ice")
    assert engine.do("exec", "ice", "echo", "warm") == "warm"


@pytest.mark.parametrize("names", DEATHS[:3], **BY_NAMES)
def test_killed_in_the_middle_of_runs(engine: Engine, names: tuple[str, ...]) -> None:
    before = engine.census.of_containers()
    for number in range(4):
        flags = ["--name", f"r{number}", "-p", "127.0.0.1::80"]
        with engine.client("run", "-d", *flags, IMAGE, "sleep", "1000") as client:
            time.sleep(0.02 + 0.025 * number)  # a moment, not a wait
            engine.strike(*names)
            engine.recover()
            out, problem = client.communicate(timeout=60)
        if client.returncode == 0:  # what was acknowledged is there
            assert engine.inspect(out.decode().strip())["State"]["Status"] == "running", problem
        for name in engine.names():
            assert engine.inspect(name)["State"]["Status"] in ("created", "running", "exited")
            engine.do("rm", "-f", name)
        engine.until_as(before)


def test_killed_in_the_middle_of_removals(engine: Engine) -> None:
    before = engine.census.of_containers()
    for number in range(4):
        engine.do("run", "-d", "--name", "old", IMAGE, "sleep", "1000")
        with engine.client("rm", "-f", "old") as client:
            time.sleep(0.03 + 0.015 * number)  # a moment, not a wait
            engine.strike(*DEATHS[number % 3])
            engine.recover()
            client.communicate(timeout=60)
        with suppress(AssertionError):
            engine.do("rm", "-f", "old")
        assert engine.names() == []
        engine.until_as(before)


def test_a_container_that_was_half_made_takes_its_volumes_with_it(engine: Engine) -> None:
    """As a daemon leaves it that is killed between the record and the snapshot."""
    before = engine.census.of_containers()
    engine.do("create", "--name", "donor", "-v", "/mine", IMAGE)
    engine.do("create", "--name", "half", "-v", "/own", "--volumes-from", "donor", IMAGE)
    assert len([one for one in engine.census.files() if "data/volumes/" in one]) == 2
    engine.strike("daemon")
    with sqlite3.connect(f"{engine.config.data_root}/daemon.db") as db:
        db.execute("UPDATE containers SET ready = 0 WHERE name = 'half'")
    db.close()
    engine.recover()
    assert engine.names() == ["donor"]
    assert len([one for one in engine.census.files() if "data/volumes/" in one]) == 1
    engine.do("rm", "-v", "donor")
    engine.until_as(before)


def test_a_volume_that_another_container_uses_stays(engine: Engine) -> None:
    engine.do("run", "--name", "donor", "-v", "/v", IMAGE, "sh", "-c", "echo data >/v/file")
    engine.do("run", "--rm", "--volumes-from", "donor", IMAGE, "true")
    assert engine.do("run", "--rm", "--volumes-from", "donor", IMAGE, "cat", "/v/file") == "data"


def test_killed_in_the_middle_of_a_pull(engine: Engine) -> None:
    files = layer_of(a=os.urandom(1 << 20)), layer_of(b=os.urandom(1 << 20))
    before = engine.census.of_containers()
    with registry(*files) as source:
        source.stalls.add(source.digests[1])
        with engine.client("pull", source.name) as client:
            assert source.stalled.wait(30)
            until(lambda: len(list(engine.census.files())) > len(before) - 5, engine.log)
            engine.strike("daemon")
            assert client.wait(30) != 0
        engine.recover()
        engine.until_as(before)
        source.stalls.clear()
        source.go_on.set()
        engine.do("pull", source.name)
        engine.do("rmi", source.name)
        engine.until_as(before)


@pytest.mark.parametrize("number", [0, 1])
def test_a_blob_that_is_not_what_its_digest_says_leaves_nothing(
    engine: Engine, number: int
) -> None:
    before = engine.census.of_containers()
    with registry(layer_of(a=b"a" * 5000), layer_of(b=b"b" * 5000)) as source:
        digest = source.lie(number)
        code, _, problem = engine.type("pull", source.name)
        assert code == 1
        assert f"filesystem layer verification failed for digest {digest}" in problem
        engine.until_as(before)
        assert engine.type("image", "inspect", source.name)[0] == 1


@pytest.mark.parametrize("content", [os.urandom, bytes], ids=["download", "unpack"])
def test_a_disk_that_is_full_at_a_pull_says_so_and_nothing_is_left(content: type[bytes]) -> None:
    with engine_deaths.engine(disk_mib=16) as engine:
        before = engine.census.of_containers()
        with registry(layer_of(small=b"s"), layer_of(big=content(24 << 20))) as source:
            code, _, problem = engine.type("pull", source.name)
            assert code == 1
            assert "no space left on device" in problem.lower()
            engine.until_as(before)
        with registry(layer_of(small=b"s")) as source:
            engine.do("pull", source.name)
            engine.do("rmi", source.name)
        engine.until_as(before)
