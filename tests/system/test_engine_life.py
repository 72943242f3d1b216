"""Containers from create to remove, in an engine that lives in the test's process."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from boxship.daemon.requests import AttachOptions, CreateRequest, ExecStart
from boxship.logs.reader import ReadOptions
from boxship.model.errors import Conflict, Invalid, NotFound, NotModified
from suites import engine_world
from suites.engine_world import IMAGE, Screen, created, ran, said, started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from boxship.daemon.engine import Engine

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    found = await engine_world.opened(engine_world.fresh_config())
    yield found
    await engine_world.closed(found)


async def test_a_run_says_what_it_says_and_ends_as_it_ends(engine: Engine) -> None:
    code, screen = await ran(engine, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (code, screen.stdout, screen.stderr) == (7, b"out\n", b"err\n")


async def test_a_container_is_on_its_own(engine: Engine) -> None:
    script = "hostname; ps -o pid,args | tail -n +2 | head -1; ls -a / | grep dockerenv; id -u"
    c = await created(engine, "sh", "-c", script)
    waiting = engine.wait_begin(c, "next-exit")
    await engine.start(c)
    assert (await waiting)[0] == 0
    lines = (await said(engine, c)).decode().splitlines()
    assert lines[0] == c.id[:12]
    assert lines[1].split()[0] == "1"
    assert lines[2:] == [".dockerenv", "0"]


async def test_the_command_line_reaches_the_program(engine: Engine) -> None:
    _, screen = await ran(
        engine,
        "sh",
        "-c",
        "echo $A; pwd; ulimit -n; grep CapBnd /proc/self/status; grep -c ' / .*ro,' /proc/mounts",
        host_config={
            "Ulimits": [{"Name": "nofile", "Soft": 99, "Hard": 99}],
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN"],
            "ReadonlyRootfs": True,
        },
        Env=["A=b c"],
        WorkingDir="/made/for/it",
    )
    assert screen.stdout.decode().split("\n")[:5] == [
        "b c",
        "/made/for/it",
        "99",
        "CapBnd:\t0000000000000001",
        "1",
    ]


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("nosuch", 127, 'exec: "nosuch": executable file not found in $PATH'),
        ("/nosuch", 127, "no such file or directory"),
        ("/tmp", 126, "is a directory"),
        ("/etc/passwd", 126, "permission denied"),
    ],
)
async def test_a_program_that_cannot_be_run_leaves_a_clean_container(
    engine: Engine, command: str, code: int, words: str
) -> None:
    c = await created(engine, command)
    with pytest.raises(Invalid) as caught:
        await engine.start(c)
    head = "failed to create task for container: failed to create shim task: OCI runtime create"
    assert str(caught.value).startswith(head)
    assert words in str(caught.value)
    assert (c.state.status, c.state.exit_code) == ("created", code)
    assert words in c.state.error
    assert not os.path.ismount(engine.layer_paths(c)["MergedDir"])  # noqa: ASYNC240
    assert c.network_settings.get("SandboxKey", "") == ""
    await engine.remove(c)


async def test_rm_leaves_nothing_and_the_waiter_hears_it_then(engine: Engine) -> None:
    c = await created(engine, "sh", "-c", "exit 3", host_config={"AutoRemove": True})
    folder = engine.parts.folder(c.id)
    waiting = engine.wait_begin(c, "removed")
    await engine.start(c)
    assert await asyncio.wait_for(waiting, 10) == (3, None)
    assert not os.path.exists(folder)  # noqa: ASYNC240
    with pytest.raises(NotFound, match=f"No such container: {c.id}"):
        engine.containers.get(c.id)


async def test_a_failed_start_with_rm_leaves_nothing_either(engine: Engine) -> None:
    c = await created(engine, "nosuch", host_config={"AutoRemove": True})
    with pytest.raises(Invalid):
        await engine.start(c)
    assert engine.containers.find(c.id) is None


async def test_stop_asks_first_and_kills_later(engine: Engine) -> None:
    polite = await started(
        engine, "sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done"
    )
    stubborn = await started(engine, "sleep", "1000")
    await _until_said(engine, polite.id, b"up")
    await asyncio.gather(engine.stop(polite, 10), engine.stop(stubborn, 1))
    assert (polite.state.exit_code, stubborn.state.exit_code) == (5, 137)
    with pytest.raises(NotModified):
        await engine.stop(polite)


async def _until_said(engine: Engine, ref: str, words: bytes) -> None:
    async with asyncio.timeout(10):
        follow = engine.logs(engine.containers.get(ref), ReadOptions(framed=False), follow=True)
        text = b""
        async for piece in follow:
            text += piece
            if words in text:
                break
        await follow.aclose()


async def test_wrong_moves_are_refused_in_dockers_words(engine: Engine) -> None:
    c = await started(engine, "sleep", "1000", name="moves")
    with pytest.raises(NotModified):
        await engine.start(c)
    with pytest.raises(
        Conflict, match='cannot remove container "moves": container is running: stop'
    ):
        await engine.remove(c)
    await engine.pause(c)
    with pytest.raises(Conflict, match=r"is paused, unpause the container before exec"):
        await engine.exec_create(c, {"Cmd": ["ls"]})
    with pytest.raises(Conflict, match="container is paused and must be unpaused first"):
        await engine.remove(c)
    await engine.unpause(c)
    await engine.kill(c)
    with pytest.raises(Conflict, match=f"cannot kill container: moves: container {c.id} is not"):
        await engine.kill(c)
    with pytest.raises(Conflict, match=r"You have to remove .or rename. that container"):
        await created(engine, "true", name="moves")
    await engine.rename(c, "moved")
    await created(engine, "true", name="moves")


async def test_restart_keeps_what_was_written(engine: Engine) -> None:
    c = await started(engine, "sh", "-c", "echo x >> /runs; cat /runs; exec sleep 1000")
    await _until_said(engine, c.id, b"x\n")
    await engine.restart(c, 0)
    await _until_said(engine, c.id, b"x\nx\nx\n")
    assert c.state.status == "running"


async def test_a_policy_starts_it_again_and_gives_up(engine: Engine) -> None:
    policy = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}}
    c = await started(engine, "sh", "-c", "echo again; exit 4", host_config=policy)
    async with asyncio.timeout(20):
        while c.state.status != "exited":
            await engine.wait(c, "next-exit")
    assert (c.state.restart_count, c.state.exit_code) == (2, 4)
    assert (await said(engine, c)) == b"again\n" * 3


async def test_exec(engine: Engine) -> None:
    c = await started(engine, "sleep", "1000")
    config = {
        "Cmd": ["sh", "-c", "cat; echo $A >&2; exit 9"],
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": ["A=b"],
    }
    command = engine.exec_get(await engine.exec_create(c, config))
    screen = Screen(b"typed\n")
    await engine.exec_start(command, ExecStart(), screen)  # type: ignore[arg-type]
    assert (screen.stdout, screen.stderr, command.exit_code) == (b"typed\n", b"b\n", 9)

    missing = engine.exec_get(await engine.exec_create(c, {"Cmd": ["nosuch"]}))
    with pytest.raises(Invalid, match=r"OCI runtime exec failed: .*executable file not found"):
        await engine.exec_start(missing, ExecStart(detach=True))
    assert missing.exit_code == 127
    await engine.remove(c, force=True)


async def test_an_exec_that_cannot_start_leaves_no_descriptor(engine: Engine) -> None:
    c = await started(engine, "sleep", "1000")

    async def refused() -> None:
        asked = {"Cmd": ["/etc/passwd"], "AttachStdout": True, "AttachStderr": True}
        command = engine.exec_get(await engine.exec_create(c, asked))
        with pytest.raises(Invalid, match="permission denied"):
            await engine.exec_start(command, ExecStart(), Screen())  # type: ignore[arg-type]

    gc.disable()  # it would close what is forgotten, sometime
    try:
        await refused()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            await refused()
        assert len(os.listdir("/proc/self/fd")) < before + 5
    finally:
        gc.enable()
    await engine.remove(c, force=True)


async def test_a_terminal_can_be_left_and_found_again(engine: Engine) -> None:
    c = await created(engine, "sh", Tty=True, OpenStdin=True)
    options = AttachOptions(stdin=True, stdout=True, stderr=True)
    first = Screen(b"echo fir''st; tty\n", tty=True, ends=False)
    attached = asyncio.create_task(engine.attach(c, options, first))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await engine.start(c)
    await engine.resize(c, 40, 100)
    await first.until(b"/dev/pts/0")
    attached.cancel()
    await asyncio.gather(attached, return_exceptions=True)

    second = Screen(b"stty size\n", b"\x10\x11", tty=True)
    await asyncio.wait_for(engine.attach(c, options, second), 10)  # type: ignore[arg-type]
    third = Screen(b"stty size; exit 6\n", tty=True, ends=False)
    waiting = engine.wait_begin(c, "next-exit")
    await asyncio.wait_for(engine.attach(c, options, third), 10)  # type: ignore[arg-type]
    assert b"40 100" in third.stdout
    assert (await waiting)[0] == 6


async def test_too_much_memory_is_told(engine: Engine) -> None:
    limits = {"Memory": 8 << 20, "MemorySwap": 8 << 20}
    c = await started(engine, "dd", "if=/dev/zero", "of=/dev/null", "bs=60M", host_config=limits)
    await asyncio.wait_for(engine.wait(c), 10)
    assert (c.state.exit_code, c.state.oom_killed) == (137, True)


async def test_namespaces_can_be_shared(engine: Engine) -> None:
    shareable = {"IpcMode": "shareable"}
    share = "echo shared > /dev/shm/x; echo up; exec sleep 1000"
    donor = await started(engine, "sh", "-c", share, host_config=shareable)
    await _until_said(engine, donor.id, b"up")
    joined = {f"{kind}Mode": f"container:{donor.id}" for kind in ("Network", "Pid", "Ipc")}
    script = (
        "cat /dev/shm/x; ps | grep -c '[s]leep 1000$'; ip -o -4 addr show eth0 | wc -l; hostname"
    )
    code, screen = await ran(engine, "sh", "-c", script, host_config=joined)
    assert code == 0, screen.stderr
    assert screen.stdout.decode().split("\n")[:2] == ["shared", "1"]
    assert screen.stdout.decode().split("\n")[2:4] == ["1", donor.id[:12]]
    await engine.remove(donor, force=True)


async def test_volumes_begin_with_what_the_image_has_and_stay(engine: Engine) -> None:
    binds = {"Binds": ["conf1:/etc"]}
    code, _ = await ran(engine, "sh", "-c", "echo kept > /etc/mine", host_config=binds)
    assert code == 0
    _, screen = await ran(engine, "sh", "-c", "cat /etc/mine; ls /etc/passwd", host_config=binds)
    assert screen.stdout == b"kept\n/etc/passwd\n"


@pytest.mark.parametrize("runtime", ["runc", "crun", "io.containerd.runc.v2"])
async def test_another_runtime_does_the_same(engine: Engine, runtime: str) -> None:
    if runtime not in engine.parts.runtimes:
        pytest.skip(f"{runtime} is not installed")
    chosen = {"Runtime": runtime}
    code, screen = await ran(
        engine, "sh", "-c", "echo out; echo err >&2; exit 7", host_config=chosen
    )
    assert (code, screen.stdout, screen.stderr) == (7, b"out\n", b"err\n")
    c = await started(engine, "sh", "-c", "echo up; exec sleep 1000", host_config=chosen)
    await _until_said(engine, c.id, b"up\n")
    command = engine.exec_get(
        await engine.exec_create(c, {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True})
    )
    screen = Screen(b"typed\n")
    await asyncio.wait_for(engine.exec_start(command, ExecStart(), screen), 10)  # type: ignore[arg-type]
    assert (screen.stdout, command.exit_code) == (b"typed\n", 0)
    await engine.stop(c, 0)
    assert c.state.exit_code == 137
    broken = await created(engine, "nosuch", host_config=chosen)
    with pytest.raises(Invalid, match=r"executable file not found in \$PATH"):
        await engine.start(broken)
    assert broken.state.exit_code == 127


async def test_what_create_refuses_leaves_nothing(engine: Engine) -> None:
    before = engine.containers.list()
    asked = {"Image": IMAGE, "Cmd": ["true"]}
    with pytest.raises(NotFound, match="No such image: nosuch:latest"):
        await engine.create(CreateRequest("new1", {"Image": "nosuch"}))
    with pytest.raises(Invalid, match="unknown or invalid runtime name: nosuch"):
        await engine.create(CreateRequest("new1", asked, {"Runtime": "nosuch"}))
    with pytest.raises(Invalid, match="No such container: nosuch"):  # 404 would mean the image
        await engine.create(CreateRequest("new1", asked, {"IpcMode": "container:nosuch"}))
    assert engine.containers.list() == before
    assert not engine.containers.taken("new1")


async def test_many_at_once(engine: Engine) -> None:
    codes = await asyncio.gather(
        *(ran(engine, "sh", "-c", f"exit {n}", host_config={"AutoRemove": True}) for n in range(12))
    )
    assert [code for code, _ in codes] == list(range(12))


async def test_engines_live_side_by_side(engine: Engine) -> None:
    other = await engine_world.opened(engine_world.fresh_config())
    try:
        names = [await started(e, "sleep", "1000", name="same") for e in (engine, other)]
        assert names[0].id != names[1].id
        assert (
            names[0].network_settings["Networks"]["bridge"]["Gateway"]
            != (names[1].network_settings["Networks"]["bridge"]["Gateway"])
        )
        assert engine.config.cgroup != other.config.cgroup
    finally:
        await engine_world.closed(other)
    assert names[0].state.running
    await engine.remove(names[0], force=True)
