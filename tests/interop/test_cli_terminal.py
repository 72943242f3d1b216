"""On a terminal the client does what the docker client does."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from suites.cli_world import BUSYBOX, CONTAINER, DOCKER, IMAGE, Client, engine, world

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKER, reason="the docker client is not installed"),
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
]

# No prompt: what the shell draws depends on when it is told the size.
QUIET_SHELL = ("sh", "-c", "PS1= exec sh")
NAME = "cli-tty"


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Client, Client]]:
    with engine() as address, world(address) as both:
        yield both


@pytest.fixture(params=["docker", "ours"])
def client(request: pytest.FixtureRequest, clients: tuple[Client, Client]) -> Iterator[Client]:
    found = clients[0] if request.param == "docker" else clients[1]
    yield found
    found.run("rm", "-f", NAME)


def test_a_terminal_has_our_size_and_follows_it(client: Client) -> None:
    wait = "while [ \"$(stty size)\" != '$1' ]; do sleep 0.1; done; echo $2"
    program = "; ".join(
        wait.replace("$1", size).replace("$2", word)
        for size, word in (("40 100", "first"), ("50 120", "second"))
    )
    script = [("until", b"first\r\n"), ("size", b"50 120"), ("until", b"second\r\n")]
    code, _ = client.typed(["run", "--rm", "-it", IMAGE, "sh", "-c", f"{program}; exit 7"], script)
    assert code == 7


def test_run_detaches_and_attach_comes_back(client: Client) -> None:
    hello = [("send", b"echo he''llo\r"), ("until", b"hello\r\n")]
    code, output = client.typed(
        ["run", "-it", "--name", NAME, IMAGE, *QUIET_SHELL], [*hello, ("send", b"\x10\x11")]
    )
    assert (code, b"read escape sequence" in output) == (0, False)
    code, output = client.typed(["attach", NAME], [*hello, ("send", b"\x10\x11")])
    assert (code, output.endswith(b"read escape sequence\r\n")) == (1, True)
    code, _ = client.typed(["attach", NAME], [*hello, ("send", b"exit 4\r")])
    assert code == 4
    code, _ = client.typed(["start", "-ai", NAME], [*hello, ("send", b"exit 5\r")])
    assert code == 5


def test_exec_detaches_by_other_keys(client: Client) -> None:
    words = ["exec", "-it", "--detach-keys", "ctrl-a,b", CONTAINER, *QUIET_SHELL]
    script = [("send", b"echo he''llo\r"), ("until", b"hello\r\n"), ("send", b"\x01b")]
    code, output = client.typed(words, script)
    assert (code, output.endswith(b"read escape sequence\r\n")) == (1, True)


def test_exec_passes_the_exit_code(client: Client) -> None:
    words = ["exec", "-it", CONTAINER, "sh", "-c", "stty size; exit 9"]
    code, _ = client.typed(words, [("until", b"40 100")])
    assert code == 9


def test_a_signal_is_handed_on(client: Client) -> None:
    program = "trap 'echo got; exit 3' INT TERM; echo ready; while true; do sleep 0.1; done"
    done = subprocess.Popen(
        [client.program, "run", "--rm", IMAGE, "sh", "-c", program],
        stdout=subprocess.PIPE,
        env=client.environment,
    )
    assert done.stdout
    assert done.stdout.readline() == b"ready\n"
    done.send_signal(signal.SIGTERM)
    assert done.stdout.read() == b"got\n"
    assert done.wait(10) == 3
    done.stdout.close()


def test_much_goes_in_and_out(client: Client) -> None:
    data = b"x" * 3_000_000
    code, out, _ = client.run("run", "-i", "--rm", IMAGE, "cat", stdin=data)
    assert (code, len(out)) == (0, len(data))
    code, out, err = client.run(
        "exec", "-i", CONTAINER, "sh", "-c", "wc -c; echo e >&2", stdin=data
    )
    assert (code, out, err) == (0, "3000000\n", "e\n")


def test_rm_waits_until_the_container_is_gone(client: Client) -> None:
    client.run("run", "--rm", "--name", NAME, IMAGE, "true")
    started = time.monotonic()
    code, _, _ = client.run("run", "--rm", "--name", NAME, IMAGE, "sh", "-c", "exit 6")
    assert code == 6
    assert time.monotonic() - started < 10


def test_a_cidfile_is_written_once(client: Client, tmp_path: Path) -> None:
    path = str(tmp_path / "cid")
    code, out, _ = client.run("run", "-d", "--name", NAME, "--cidfile", path, IMAGE, "sleep", "9")
    assert code == 0
    assert Path(path).read_text() == out.strip()
    code, _, err = client.run("run", "--cidfile", path, IMAGE, "true")
    assert code != 0
    assert "container ID file found" in err


def test_logs_follow_until_the_end(client: Client) -> None:
    client.run("run", "-d", "--name", NAME, IMAGE, "sh", "-c", "echo a; sleep 0.3; echo b >&2")
    assert client.run("logs", "-f", NAME) == (0, "a\n", "b\n")
