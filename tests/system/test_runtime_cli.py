"""`boxship-runtime`: what containerd, podman and people type, and runc beside it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.runtime_bundle import Box, spec

pytestmark = pytest.mark.root
OURS = os.path.join(os.path.dirname(sys.executable), "boxship-runtime")
RUNTIMES = [OURS, "runc"] if shutil.which("runc") else [OURS]


class Cli:
    """One runtime as a program on one box."""

    def __init__(self, program: str, box: Box) -> None:
        self.command = [program, "--root", f"{box.bundle}/../cli"]
        self.box = box

    def __call__(self, *words: str, check: bool = True) -> str:
        done = self.run(*words)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *words], capture_output=True, text=True, timeout=30, check=False
        )

    def create(self, document: dict[str, object]) -> None:
        """Its streams are not ours: a pipe would stay open as long as the container."""
        self.box.configure(document)
        null, out, _ = self.box.stdio
        subprocess.run(
            [*self.command, "create", "--bundle", self.box.bundle, self.box.id],
            stdin=null, stdout=out, stderr=out, check=True, timeout=30,
        )  # fmt: skip


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path))
    yield box
    box.remove()


@pytest.fixture(params=RUNTIMES)
def cli(request: pytest.FixtureRequest, box: Box) -> Iterator[Cli]:
    cli = Cli(request.param, box)
    yield cli
    cli("delete", "--force", box.id)


def test_the_life_of_a_container(cli: Cli, box: Box) -> None:
    cli.create(spec("sleep", "100"))
    state = json.loads(cli("state", box.id))
    assert (state["status"], state["id"], state["bundle"]) == ("created", box.id, box.bundle)
    cli("start", box.id)
    assert json.loads(cli("ps", "--format", "json", box.id)) == [state["pid"]]
    assert (
        cli("exec", "--cwd", "/tmp", "-e", "A=B", box.id, "sh", "-c", "echo $A; pwd") == "B\n/tmp\n"
    )
    assert cli.run("exec", box.id, "sh", "-c", "exit 9").returncode == 9
    cli("pause", box.id)
    assert json.loads(cli("state", box.id))["status"] == "paused"
    cli("resume", box.id)
    listed = json.loads(cli("list", "--format", "json"))
    assert [(entry["id"], entry["status"]) for entry in listed] == [(box.id, "running")]
    assert cli("list", "-q") == f"{box.id}\n"
    cli("kill", box.id, "KILL")
    cli("delete", "--force", box.id)
    assert cli.run("state", box.id).returncode == 1


def test_run_in_the_foreground(cli: Cli, box: Box) -> None:
    box.configure(spec("sh", "-c", "echo out; echo err >&2; exit 4"))
    done = cli.run("run", "--bundle", box.bundle, box.id)
    assert (done.returncode, done.stdout, done.stderr) == (4, "out\n", "err\n")
    assert cli("list", "-q") == ""


def test_exec_of_a_process_file(cli: Cli, box: Box, tmp_path: Path) -> None:
    cli.create(spec("sleep", "100"))
    cli("start", box.id)
    process = {"args": ["id", "-u"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 5, "gid": 5}}
    (tmp_path / "process.json").write_text(json.dumps(process))
    pid_file = tmp_path / "pid"
    words = ("exec", "--process", str(tmp_path / "process.json"), "--pid-file", str(pid_file))
    assert cli(*words, box.id) == "5\n"
    assert pid_file.read_text().isdigit()


@pytest.mark.parametrize(
    "words",
    [
        ("state", "nobody"),
        ("start", "nobody"),
        ("kill", "nobody", "TERM"),
        ("delete", "nobody"),
        ("run", "--bundle", "/nosuch", "x"),
        ("create", "--nonsense", "x"),
        ("exec", "nobody", "true"),
        ("nonsense",),
    ],
)
def test_errors_have_a_status_and_words(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli.run(*words)
    if words != ("nonsense",) or cli.command[0] == OURS:
        assert done.returncode == (255 if words[0] == "exec" else 1)
        assert done.stderr
    assert cli("delete", "--force", "nobody") == ""


def test_the_log_tells_the_caller_why(cli: Cli, box: Box, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    box.configure(spec("nosuch"))
    command = [*cli.command, "--log", str(log), "--log-format", "json"]
    words = ["create", "--bundle", box.bundle, box.id]
    done = subprocess.run([*command, *words], capture_output=True, check=False, timeout=30)
    assert done.returncode == 1
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["level"] == "error"
    assert 'exec: "nosuch": executable file not found in $PATH' in last["msg"]


def test_spec_writes_a_bundle_that_runs(cli: Cli, box: Box) -> None:
    cli("spec", "--bundle", box.bundle)
    path = Path(box.bundle, "config.json")
    document = json.loads(path.read_text())
    assert document["process"]["args"] == ["sh"]
    document["process"] |= {"terminal": False, "args": ["echo", "works"]}
    document["linux"]["cgroupsPath"] = spec("x")["linux"]["cgroupsPath"]
    path.write_text(json.dumps(document))
    assert cli("run", "--bundle", box.bundle, box.id) == "works\n"


def test_update_and_events(cli: Cli, box: Box) -> None:
    cli.create(spec("sleep", "100"))
    cli("start", box.id)
    cli("update", "--memory", "33554432", "--pids-limit", "77", box.id)
    event = json.loads(cli("events", "--stats", box.id))
    assert event["type"] == "stats"
    assert event["data"]["memory"]["usage"]["limit"] == 33554432
    assert event["data"]["pids"]["limit"] == 77


def test_descriptors_are_passed_on_when_asked(cli: Cli, box: Box) -> None:
    box.configure(spec("sh", "-c", "cat <&3"))
    reading, writing = os.pipe()
    os.write(writing, b"through\n")
    os.close(writing)
    high = os.dup2(reading, 3) if reading != 3 else 3
    words = ["run", "--preserve-fds", "1", "--bundle", box.bundle, box.id]
    done = subprocess.run(
        [*cli.command, *words], capture_output=True, pass_fds=[high], check=False, timeout=30
    )
    assert done.stdout == b"through\n"


def test_whoever_enters_runs_from_a_sealed_copy(box: Box, tmp_path: Path) -> None:
    """CVE-2019-5736."""
    cli = Cli(OURS, box)
    document = spec("true")
    script = f"readlink /proc/$PPID/exe > {tmp_path}/exe"
    document["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
    cli.create(document)
    cli("delete", "--force", box.id)
    assert (tmp_path / "exe").read_text().startswith("/memfd:boxship")


def test_version_and_features() -> None:
    version = subprocess.run([OURS, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("boxship-runtime version ")
    features = json.loads(
        subprocess.run([OURS, "features"], capture_output=True, check=True).stdout
    )
    assert "pid" in features["linux"]["namespaces"]
    assert features["linux"]["seccomp"]["enabled"]
