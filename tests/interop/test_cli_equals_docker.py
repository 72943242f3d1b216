"""The client says what the docker client says, on the same engine."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from suites.cli_world import BUSYBOX, CONTAINER, DOCKER, IMAGE, Client, engine, world

CASES = Path(__file__).parent / "cases"

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKER, reason="the docker client is not installed"),
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
]


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Client, Client]]:
    with engine() as address, world(address) as both:
        yield both


def lines(name: str) -> list[str]:
    return [line for line in (CASES / name).read_text().splitlines() if line]


@pytest.mark.parametrize("command", lines("commands.txt"))
def test_a_command_prints_the_same(clients: tuple[Client, Client], command: str) -> None:
    words = shlex.split(command.replace("IMAGE", IMAGE))
    docker, ours = clients
    theirs = docker.run(*words)
    if ours.run(*words) != theirs:
        # An age may have grown between the two.
        assert ours.run(*words) == docker.run(*words)


@pytest.mark.parametrize("template", lines("templates.txt"))
def test_a_template_prints_the_same(clients: tuple[Client, Client], template: str) -> None:
    docker, ours = clients
    words = ("inspect", "-f", template, CONTAINER)
    assert ours.run(*words) == docker.run(*words)


@pytest.mark.parametrize(
    "script",
    [
        ["create --name cli-1 IMAGE sh -c 'exit 4'", "start -a cli-1", "rm cli-1"],
        ["run --name cli-1 IMAGE sh -c 'echo a; echo b >&2; exit 7'", "logs cli-1", "rm cli-1"],
        ["run -i --rm IMAGE cat"],
        ["run --rm -e A=b -w /tmp IMAGE sh -c 'echo $A; pwd'"],
        [
            "run -d --name cli-1 IMAGE sleep 100",
            "rename cli-1 cli-2",
            "pause cli-2",
            "ps -a --filter name=cli-2 --format {{.Names}}:{{.State}}",
            "unpause cli-2",
            "stop -t 0 cli-2",
            "wait cli-2",
            "start cli-2",
            "restart -t 0 cli-2",
            "kill cli-2",
            "wait cli-2",
            "rm cli-2",
            "rm cli-2",
        ],
        ["tag IMAGE cli-other:1", "rmi cli-other:1", "rmi cli-other:1"],
        ["volume create cli-v", "volume rm cli-v", "volume rm cli-v"],
    ],
)
def test_a_script_runs_the_same(clients: tuple[Client, Client], script: list[str]) -> None:
    """Each step by both clients in turn would disturb the other, so a whole script is one turn."""
    commands = [shlex.split(step.replace("IMAGE", IMAGE)) for step in script]
    docker, ours = clients
    theirs = [_without_ids(docker.run(*words, stdin=b"hello\n")) for words in commands]
    assert [_without_ids(ours.run(*words, stdin=b"hello\n")) for words in commands] == theirs


def _without_ids(outcome: tuple[int, str, str]) -> tuple[int, str, str]:
    code, out, err = outcome
    return code, "ID\n" if len(out) == 65 and not out.strip("0123456789abcdef\n") else out, err
