"""The parent's side of the zygote, against small programs that play it."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from boxship.model.errors import System
from boxship.supervisor.shims.zygote import Zygote, ZygoteGone

ECHO = """
import json, os, socket, sys
sock = socket.socket(fileno=int(sys.argv[1]))
while True:
    data, fds, _, _ = socket.recv_fds(sock, 65536, 1)
    if not data:
        break
    request = json.loads(data)
    if request.get("die_with_next"):
        sock.recv(1, socket.MSG_PEEK)
    if request.get("die") or request.get("die_with_next"):
        os._exit(3)
    if request.get("fail"):
        sock.send(json.dumps({"error": "cannot fork"}).encode())
        continue
    for fd in fds:
        os.write(fd, b"seen")
    sock.send(json.dumps({"pid": os.getpid(), "id": request.get("id")}).encode())
"""


def gone(pid: object) -> bool:
    return not os.path.exists(f"/proc/{pid}")


Start = Callable[[str], Zygote]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    started = []

    def start(code: str) -> Zygote:
        zygote = Zygote([sys.executable, "-c", code])
        zygote.start()
        started.append(zygote)
        return zygote

    yield start
    for zygote in started:
        await zygote.close()
        assert zygote.pid == 0 or gone(zygote.pid)


async def ask(zygote: Zygote, **request: object) -> dict[str, object]:
    return await (await zygote.send(request))


async def test_answers_come_in_order_also_when_nobody_waits_for_one(start: Start) -> None:
    zygote = start(ECHO)
    answers = [await zygote.send({"id": n}) for n in range(20)]
    answers[3].cancel()
    del answers[3]
    got = [(await answer)["id"] for answer in answers]
    assert got == [n for n in range(20) if n != 3]


async def test_a_file_goes_along(start: Start) -> None:
    reading, writing = os.pipe()
    answer = await start(ECHO).send({"id": 1}, writing)
    os.close(writing)
    await answer
    assert os.read(reading, 9) == b"seen"
    os.close(reading)


async def test_an_error_is_an_error(start: Start) -> None:
    zygote = start(ECHO)
    with pytest.raises(System, match="cannot fork"):
        await ask(zygote, fail=True)
    assert (await ask(zygote, id=2))["id"] == 2


async def test_a_dead_zygote_is_replaced_and_what_it_owed_fails(start: Start) -> None:
    zygote = start(ECHO)
    first = (await ask(zygote))["pid"]
    owed = [await zygote.send({"die_with_next": True}), await zygote.send({"id": 1})]
    for answer in owed:
        with pytest.raises(ZygoteGone):
            await answer
    second = (await ask(zygote))["pid"]
    assert first != second == zygote.pid


async def test_a_killed_zygote_is_replaced(start: Start) -> None:
    zygote = start(ECHO)
    await ask(zygote)
    os.kill(zygote.pid, signal.SIGKILL)
    await asyncio.sleep(0.05)
    assert (await ask(zygote, id=1))["id"] == 1


async def test_a_request_that_comes_before_the_death_is_seen_goes_to_the_next(
    start: Start,
) -> None:
    zygote = start(ECHO)
    first = (await ask(zygote))["pid"]
    os.kill(zygote.pid, signal.SIGKILL)
    # Its socket is closed by now; the loop has not had a chance to see it.
    os.waitid(os.P_PID, zygote.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222
    answer = await ask(zygote, id=1)
    assert answer["id"] == 1
    assert answer["pid"] not in (first, None)


async def test_a_zygote_that_cannot_start_is_said_to_be_missing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxship.supervisor.shims.zygote.WAIT_S", 0.05)
    zygote = start("raise SystemExit(1)")
    with pytest.raises(ZygoteGone):
        await asyncio.gather(*(ask(zygote) for _ in range(50)))


async def test_close_ends_it(start: Start) -> None:
    zygote = start(ECHO)
    pid = (await ask(zygote))["pid"]
    await zygote.close()
    assert gone(pid)


async def test_a_host_that_cannot_start_a_zygote_for_now_has_one_later(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    zygote = start(ECHO)
    await ask(zygote, id=1)
    real, refusals = subprocess.Popen, []

    def out_of_processes(*args: Any, **kwargs: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401
        if len(refusals) < 2:
            refusals.append(os.listdir("/proc/self/fd"))
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", out_of_processes)
    monkeypatch.setattr("boxship.supervisor.shims.zygote.PAUSE_S", 0.01)
    with pytest.raises(ZygoteGone):
        await ask(zygote, die=True)
    assert (await ask(zygote, id=2))["id"] == 2
    assert len(refusals[0]) == len(refusals[1]), "a socket is lost with every refusal"
    assert "no zygote can be started" in caplog.text
