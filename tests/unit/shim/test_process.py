"""A process' states, and when its end is told."""

import os

import pytest

from boxship.model.errors import Conflict, NotFound
from boxship.shim.loop import Loop
from boxship.shim.process import Process, exit_status_of
from boxship.shim.program import in_runcs_words
from boxship.shim.stdio import Stdio
from boxship.shim.wanted import Wanted


@pytest.fixture
def process() -> Process:
    return Process("", Stdio(None, Wanted("", "", "", terminal=False)))  # type: ignore[arg-type]


def test_moves_go_one_way(process: Process) -> None:
    with pytest.raises(Conflict, match="cannot start a new container"):
        process.move("start")
    for verb in ("create", "start", "pause", "resume", "exit", "delete"):
        process.move(verb)
    with pytest.raises(Conflict, match="cannot delete a deleted container"):
        process.move("delete")


def test_the_end_waits_for_the_start_to_be_told(process: Process) -> None:
    told: list[str] = []
    process.move("create")
    process.hold_exit()
    process.ended(7 << 8, 5, lambda: told.append("exit"))
    process.move("start")
    told.append("start")
    process.release_exit()
    assert told == ["start", "exit"]
    assert (process.exit_status, process.exited_ns, process.state) == (7, 5, "stopped")


def test_who_waits_is_answered_after_the_end_is_told(process: Process) -> None:
    told: list[str] = []
    process.move("create")
    process.when_ended(lambda: told.append("waiter"))
    process.ended(0, 1, lambda: told.append("event"))
    process.when_ended(lambda: told.append("late"))
    assert told == ["event", "waiter", "late"]


def test_only_what_lives_is_signalled(process: Process) -> None:
    with pytest.raises(Conflict, match="process not created"):
        process.kill(15)
    process.move("create")
    process.ended(0, 1, lambda: None)
    process.pid = os.getpid()
    with pytest.raises(NotFound, match="process already finished"):
        process.kill(15)


@pytest.mark.parametrize(("status", "code"), [(0, 0), (3 << 8, 3), (9, 137), (11 | 128, 139)])
def test_exit_status(status: int, code: int) -> None:
    assert exit_status_of(status) == code


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "executable file `x` not found in $PATH: No such file",
            "executable file not found in $PATH",
        ),
        ("executable file `/x` not found in $PATH", "stat /x: no such file or directory"),
        ("open executable: Permission denied", "permission denied"),
    ],
)
def test_cruns_words_become_runcs(said: str, words: str) -> None:
    name = "/x" if "/x" in said else "x"
    assert in_runcs_words(said, name) == f'exec: "{name}": {words}'


def test_other_words_stay() -> None:
    assert in_runcs_words("cgroup is full", "x") == "cgroup is full"


def test_an_exit_before_the_pid_is_known_is_not_lost() -> None:
    loop = Loop()
    seen: list[int] = []

    def done(status: int) -> None:
        seen.append(status)
        loop.stop()

    def know(pid: int) -> None:
        loop.watch_child(pid, done)
        loop.child_known()

    loop.expect_child()
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 4"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    loop.later(0.05, lambda: know(pid))
    loop.later(5, loop.stop)
    loop.run()
    loop.close()
    assert [os.waitstatus_to_exitcode(status) for status in seen] == [4]
