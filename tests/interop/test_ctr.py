"""containerd's own client, ctr, on our supervisor: its words, its codes, its columns."""

import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from suites.supervisor_world import OWN, RUNC, World, gone_soon, lacks, settled

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("ctr"), reason="ctr (package containerd) is not installed"),
]


class Ctr:
    """ctr on a world's socket."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._count = 0

    def __call__(self, *arguments: str, code: int = 0, text: str = "") -> str:
        done = subprocess.run(
            ["ctr", "-a", self.world.address, "-n", "moby", *arguments],
            capture_output=True,
            text=True,
            input=text,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr + self.world.log()
        return done.stdout if code == 0 else done.stderr

    def run(self, runtime: str, *program: str, flags: tuple[str, ...] = ()) -> str:
        """`ctr run` of a program in the world's root file system; its output."""
        rootfs = str(self.world.rootfs)
        return self("run", "--runtime", runtime, *flags, "--rootfs", rootfs, *program)

    def background(self, runtime: str) -> str:
        """A container that sleeps."""
        box = self.world.new_id()
        self.run(runtime, box, "/bin/sleep", "600", flags=("-d",))
        return box


@pytest.fixture
async def ctr(tmp_path: Path) -> AsyncIterator[Ctr]:
    async for world in settled(World(tmp_path)):
        yield Ctr(world)


@pytest.fixture(params=[RUNC, OWN])
def runtime(request: pytest.FixtureRequest) -> str:
    if reason := lacks(request.param):
        pytest.skip(reason)
    return str(request.param)


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()[1:]]


def test_run_prints_and_removes(ctr: Ctr, runtime: str) -> None:
    box = ctr.world.new_id()
    assert ctr.run(runtime, box, "/bin/echo", "hello", flags=("--rm",)) == "hello\n"
    assert rows(ctr("containers", "ls")) == []
    assert rows(ctr("tasks", "ls")) == []


def test_run_gives_the_exit_code(ctr: Ctr, runtime: str) -> None:
    box = ctr.world.new_id()
    rootfs = str(ctr.world.rootfs)
    ctr(
        "run",
        "--rm",
        "--runtime",
        runtime,
        "--rootfs",
        rootfs,
        box,
        "/bin/sh",
        "-c",
        "exit 7",
        code=7,
    )


def test_run_of_a_program_that_is_not_there(ctr: Ctr, runtime: str) -> None:
    box = ctr.world.new_id()
    rootfs = str(ctr.world.rootfs)
    said = ctr("run", "--runtime", runtime, "--rootfs", rootfs, box, "/bin/nope", code=1)
    assert 'exec: "/bin/nope": stat /bin/nope: no such file or directory' in said
    assert rows(ctr("tasks", "ls")) == []


def test_containers_and_tasks_are_listed(ctr: Ctr, runtime: str) -> None:
    box = ctr.background(runtime)
    assert rows(ctr("containers", "ls")) == [[box, "-", runtime]]
    assert f'"Name": "{runtime}"' in ctr("containers", "info", box)
    ((listed, pid, status),) = rows(ctr("tasks", "ls"))
    assert (listed, status) == (box, "RUNNING")
    assert [row[0] for row in rows(ctr("tasks", "ps", box))] == [pid]
    assert [row[0] for row in rows(ctr("namespaces", "ls"))] == ["moby"]


async def test_exec_pause_resume_kill_rm(ctr: Ctr, runtime: str) -> None:
    box = ctr.background(runtime)
    assert "busybox" in ctr("tasks", "exec", "--exec-id", "e1", box, "/bin/ls", "/bin")
    ctr("tasks", "exec", "--exec-id", "e2", box, "/bin/sh", "-c", "exit 4", code=4)
    said = ctr("tasks", "exec", "--exec-id", "e3", box, "/bin/nope", code=1)
    assert 'exec: "/bin/nope": stat /bin/nope: no such file or directory' in said
    assert (
        ctr("tasks", "exec", "--exec-id", "e4", box, "/bin/cat", text="in and out") == "in and out"
    )
    ctr("tasks", "pause", box)
    assert rows(ctr("tasks", "ls"))[0][2] == "PAUSED"
    ctr("tasks", "resume", box)
    said = ctr("tasks", "rm", box, code=1)
    assert "task must be stopped before deletion: running: failed precondition" in said
    ctr("tasks", "kill", "-s", "KILL", box)
    await gone_soon(lambda: rows(ctr("tasks", "ls"))[0][2] != "STOPPED")
    ctr("tasks", "rm", box)
    assert rows(ctr("tasks", "ls")) == []
    ctr("containers", "rm", box)
    said = ctr("containers", "rm", box, code=1)
    assert f'container "{box}" in namespace "moby": not found' in said


def test_events(ctr: Ctr, runtime: str) -> None:
    listening = subprocess.Popen(
        ["ctr", "-a", ctr.world.address, "events"], stdout=subprocess.PIPE, text=True
    )
    lines: queue.Queue[str] = queue.Queue()
    reading = threading.Thread(target=lambda: [lines.put(line) for line in listening.stdout or ()])
    reading.start()
    try:
        while lines.empty():  # until it listens
            ctr("namespaces", "label", "probe", "a=b")
        box = ctr.world.new_id()
        ctr.run(runtime, box, "/bin/true", flags=("--rm",))
        topics: list[str] = []
        while not {"/containers/delete", "/tasks/delete"} <= set(topics):
            *_, namespace, topic, event = lines.get(timeout=20).split(" ", 6)
            if namespace == "moby":
                assert box in event
                topics.append(topic)
        tasks = [topic for topic in topics if topic.startswith("/tasks/")]
        assert tasks == [f"/tasks/{what}" for what in ("create", "start", "exit", "delete")]
    finally:
        listening.send_signal(signal.SIGINT)
        listening.wait(10)
        reading.join()
        assert listening.stdout is not None
        listening.stdout.close()


def test_version_and_plugins(ctr: Ctr) -> None:
    assert "Revision: boxship" in ctr("version")
    plugins = {(row[0], row[1]): row[3] for row in rows(ctr("plugins", "ls"))}
    assert plugins["io.containerd.runtime.v2", "task"] == "ok"
    assert plugins["io.containerd.shim.v1", OWN] == "ok"


def test_what_is_not_there_says_so(ctr: Ctr) -> None:
    said = ctr("images", "ls", code=1)
    assert "unknown service containerd.services.images.v1.Images: not implemented" in said


def test_labels_and_filters(ctr: Ctr) -> None:
    box, other = ctr.world.new_id(), ctr.world.new_id()
    for name in (box, other):
        ctr("containers", "create", "--rootfs", str(ctr.world.rootfs), name, "/bin/true")
    ctr("containers", "label", box, "role=db", "tier=1")
    assert rows(ctr("containers", "ls", "labels.role==db"))[0][0] == box
    assert len(rows(ctr("containers", "ls"))) == 2
    ctr("containers", "label", box, "role=")
    assert rows(ctr("containers", "ls", "labels.role")) == []
    ctr("containers", "rm", box, other)


async def test_after_kill_9_of_the_supervisor_ctr_goes_on(ctr: Ctr, runtime: str) -> None:
    box = ctr.background(runtime)
    ctr.world.kill()
    ctr.world.start()
    assert rows(ctr("tasks", "ls"))[0][2] == "RUNNING"
    assert "busybox" in ctr("tasks", "exec", "--exec-id", "e1", box, "/bin/ls", "/bin")
    ctr("tasks", "kill", "-s", "KILL", box)
    await gone_soon(lambda: rows(ctr("tasks", "ls"))[0][2] != "STOPPED")
    ctr("containers", "info", box)


def test_attach(ctr: Ctr, runtime: str) -> None:
    box = ctr.world.new_id()
    ctr.run(runtime, box, "/bin/sh", "-c", "sleep 1; echo late", flags=("-d",))
    assert "late" in ctr("tasks", "attach", box)
