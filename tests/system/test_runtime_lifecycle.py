"""The life of a container, as runtime-spec runtime.md tells it."""

import json
import os
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.kernel import cgroups
from boxship.model.errors import Conflict, Forbidden, Invalid, NotFound, System
from boxship.runtime.create import create
from boxship.runtime.delete import delete
from boxship.runtime.kill import kill
from boxship.runtime.pause import pause, resume
from boxship.runtime.processes import pids
from boxship.runtime.state import load
from system.runtime_bundle import Box, spec

pytestmark = pytest.mark.root


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path))
    yield box
    box.remove()


def test_a_container_is_created_then_runs_then_has_stopped(box: Box) -> None:
    document = spec("sh", "-c", "echo hello; exit 7")
    assert box.create(document).status() == "created"
    assert box.output() == ""
    box.start()
    assert box.wait() == 7
    assert load(box.id, box.root).status() == "stopped"
    assert box.output() == "hello\n"
    delete(box.id, box.root)
    with pytest.raises(NotFound, match="does not exist"):
        load(box.id, box.root)


def test_nothing_is_left_after_delete(box: Box) -> None:
    box.sh("true")
    assert os.listdir(box.root) == []
    assert not cgroups.find(spec("x")["linux"]["cgroupsPath"], "").exists()
    with open("/proc/self/mountinfo") as mounts:
        assert box.rootfs not in mounts.read()


def test_an_id_is_used_once(box: Box) -> None:
    box.create(spec("sleep", "100"))
    with pytest.raises(Conflict, match="container with id exists"):
        create(box.id, box.bundle, box.root, stdio=box.stdio, parent=False)
    assert load(box.id, box.root).status() == "created"


def test_start_is_for_created_containers(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    with pytest.raises(Conflict, match="already running"):
        box.start()


def test_a_running_container_is_deleted_by_force_only(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    with pytest.raises(Conflict, match="is not stopped: running"):
        delete(box.id, box.root)
    delete(box.id, box.root, force=True)
    assert box.wait() == 137


def test_kill_sends_the_signal(box: Box) -> None:
    box.create(spec("sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done"))
    box.start()
    while "up" not in box.output():
        time.sleep(0.001)
    kill(box.id, box.root, signal.SIGTERM)
    assert box.wait() == 3
    with pytest.raises(Conflict, match="container not running"):
        kill(box.id, box.root, signal.SIGTERM)


def test_pause_stops_the_container_and_exec_refuses(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    pause(box.id, box.root)
    assert load(box.id, box.root).status() == "paused"
    with pytest.raises(Conflict, match="cannot exec in a paused container"):
        box.exec("true")
    resume(box.id, box.root)
    assert load(box.id, box.root).status() == "running"
    assert box.exec("true") == (0, "")


def test_sigkill_reaches_a_paused_container(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    pause(box.id, box.root)
    kill(box.id, box.root, signal.SIGKILL)
    assert box.wait() == 137


def test_exec_is_inside_in_every_way(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    code, said = box.exec("sh", "-c", "cat /proc/self/cgroup; ls /proc/self/fd; exit 5")
    assert code == 5
    assert all(line.endswith((":/", "0", "1", "2", "3")) for line in said.split())
    for name in ("pid", "mnt", "net", "ipc", "uts", "cgroup"):
        inside = box.exec("busybox", "readlink", f"/proc/self/ns/{name}")[1].strip()
        assert inside == os.readlink(f"/proc/{box.pid}/ns/{name}")


def test_exec_is_a_user_with_the_given_capabilities(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    user = {"uid": 1000, "gid": 1000, "additionalGids": [7]}
    _, said = box.exec("sh", "-c", "id; echo $HOME; grep CapEff /proc/self/status", user=user)
    assert said.split() == [
        "uid=1000(app)", "gid=1000", "groups=7",
        "/home/app", "CapEff:", "0000000000000000",
    ]  # fmt: skip


def test_processes_are_listed_in_the_numbers_of_the_host(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    assert pids(box.id, box.root) == [box.pid]


def test_without_a_pid_namespace_kill_reaches_the_children(box: Box) -> None:
    document = spec("sh", "-c", "sleep 1000 & sleep 1000 & echo up; wait")
    document["linux"]["namespaces"] = [
        entry for entry in document["linux"]["namespaces"] if entry["type"] != "pid"
    ]
    box.create(document)
    box.start()
    while "up" not in box.output():
        time.sleep(0.001)
    assert len(pids(box.id, box.root)) == 3
    kill(box.id, box.root, signal.SIGKILL)
    assert box.wait() == 137
    assert pids(box.id, box.root) == []


# The program cannot be executed: Docker reads 126 and 127 out of these words.


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        ("nosuch", NotFound, 'exec: "nosuch": executable file not found in $PATH'),
        ("/nosuch", NotFound, 'exec: "/nosuch": stat /nosuch: no such file or directory'),
        ("/etc/passwd", Forbidden, 'exec: "/etc/passwd": permission denied'),
        ("/etc", Forbidden, 'exec: "/etc": is a directory: permission denied'),
    ],
)
def test_create_says_which_program_is_missing(
    box: Box, command: str, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as caught:
        box.create(spec(command))
    assert words in str(caught.value)
    assert os.listdir(box.root) == []


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, machine, 1) + bytes(100)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (elf(183), "exec format error: built for arm64, this host is amd64"),
        (b"", "exec format error: the file is empty"),
        (b"echo hello\n", "exec format error: it is neither a program nor a script"),
        (b"#!/bin/bash\n", "no such file or directory: its interpreter /bin/bash does not exist"),
        (b"#!/bin/sh\r\n", "no such file or directory: its first line ends in a carriage return"),
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="speaks of amd64")
def test_start_says_why_the_kernel_refuses_a_program(box: Box, content: bytes, words: str) -> None:
    box.write("app", content, 0o755)
    box.create(spec("/app"))
    with pytest.raises((Forbidden, NotFound)) as caught:
        box.start()
    assert f'exec: "/app": {words}' in str(caught.value)
    assert box.wait() == 1


def test_exec_says_why_too(box: Box) -> None:
    box.write("app", elf(183), 0o755)
    box.create(spec("sleep", "100"))
    box.start()
    with pytest.raises(Forbidden, match="built for arm64"):
        box.exec("/app")


def test_a_failing_mount_is_named(box: Box) -> None:
    document = spec("true")
    document["mounts"].append({"destination": "/x", "source": "/nosuch", "options": ["bind"]})
    with pytest.raises(System, match=r"bind /nosuch on /x: .*No such file or directory"):
        box.create(document)
    assert os.listdir(box.root) == []


@pytest.mark.parametrize(
    ("section", "value"),
    [("devices", [{"type": "c"}]), ("maskedPaths", ["/x", 5]), ("resources", {"memory": 5})],
)
def test_a_malformed_section_is_invalid_and_undone(box: Box, section: str, value: object) -> None:
    document = spec("true")
    document["linux"][section] = value
    with pytest.raises(Invalid, match=r"config\.json is malformed"):
        box.create(document)
    assert not os.path.exists(f"{box.root}/{box.id}")


def test_hooks_run_in_order_and_are_told_the_state(box: Box, tmp_path: Path) -> None:
    log = tmp_path / "log"
    names = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    script = 'read state; echo {} $(echo $state | grep -o \'"status":"[a-z]*"\') >> {}'
    document = spec("true")
    document["hooks"] = {
        name: [{"path": "/bin/sh", "args": ["sh", "-c", script.format(name, log)]}]
        for name in names
    }
    box.run(document)
    assert log.read_text().replace('"status":', "").replace('"', "").splitlines() == [
        "prestart creating",
        "createRuntime creating",
        "createContainer creating",
        "poststart running",
        "poststop stopped",
    ]


def test_a_start_container_hook_is_a_program_of_the_container(box: Box) -> None:
    document = spec("echo", "program")
    args = ["sh", "-c", "echo hook > /tmp/hook"]
    document["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": args}]}
    assert box.run(document) == (0, "program\n")
    assert Path(box.rootfs, "tmp/hook").read_text() == "hook\n"


def test_a_failing_hook_undoes_the_create(box: Box) -> None:
    document = spec("true")
    args = ["sh", "-c", "echo no luck; exit 4"]
    document["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": args}]}
    with pytest.raises(System, match=r"createRuntime hook #0 /bin/sh: exit status 4.*no luck"):
        box.create(document)
    assert os.listdir(box.root) == []


def test_a_hook_has_a_time_limit(box: Box) -> None:
    document = spec("true")
    hook = {"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}
    document["hooks"] = {"prestart": [hook]}
    with pytest.raises(System, match="timed out after 1 s"):
        box.create(document)


def test_whoever_is_killed_while_creating_leaves_what_delete_can_remove(box: Box) -> None:
    """Kill -9 at a number of moments; a container that was acknowledged is there whole."""
    document = spec("sleep", "100")
    box.configure(document)
    os.mkdir(box.root)
    group = cgroups.find(document["linux"]["cgroupsPath"], "")
    for delay_ms in (0, 1, 2, 3, 4, 5, 6, 8, 10):
        child = os.fork()
        if child == 0:
            create(box.id, box.bundle, box.root, stdio=box.stdio, parent=False)
            os._exit(0)
        time.sleep(delay_ms / 1000)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        delete(box.id, box.root, force=True)
        assert not group.exists()
        assert [name for name in os.listdir(box.root) if name != "seccomp"] == []


def test_another_process_with_the_number_of_init_is_not_init(box: Box) -> None:
    box.create(spec("sleep", "100"))
    path = Path(box.root, box.id, "state.json")
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {"init_process_start": 1}))
    assert load(box.id, box.root).status() == "stopped"
    with pytest.raises(Conflict):
        kill(box.id, box.root, signal.SIGTERM)
    path.write_text(json.dumps(fields))


def test_a_group_is_one_container_s(box: Box, tmp_path: Path) -> None:
    box.create(spec("sleep", "100"))
    (tmp_path / "second").mkdir()
    second = Box(str(tmp_path / "second"))
    try:
        document = spec("true")
        document["linux"]["cgroupsPath"] = load(box.id, box.root).spec["linux"]["cgroupsPath"]
        with pytest.raises(Conflict, match="cgroup is not empty"):
            second.create(document)
        assert os.listdir(second.root) == []
    finally:
        second.remove()
    assert load(box.id, box.root).status() == "created"


def test_a_container_without_a_process_is_made_but_not_started(box: Box) -> None:
    document = spec("x")
    del document["process"]
    box.create(document)
    with pytest.raises(Invalid, match="no process to start"):
        box.start()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b"])
def test_an_id_is_the_name_of_a_directory(box: Box, name: str) -> None:
    with pytest.raises(Invalid, match="invalid container id"):
        load(name, box.root)
