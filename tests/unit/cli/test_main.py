"""The whole command line: help, mistakes, exit codes."""

from importlib import import_module

import pytest

from boxship.cli import commands, hints
from boxship.cli.main import main

NOWHERE = ("-H", "unix:///nowhere.sock")


def modules() -> list[str]:
    found = {module for module, _ in commands.top_level().values()}
    for _, entries in commands.GROUPS.values():
        found |= {module for module, _ in entries.values()}
    return sorted(found)


@pytest.mark.parametrize("module", modules())
def test_every_command_is_there(module: str) -> None:
    command = import_module(f"boxship.cli.{module}").COMMAND
    names = [flag.name for flag in command.flags]
    shorts = [flag.short for flag in command.flags if flag.short]
    assert len(names) == len(set(names))
    assert len(shorts) == len(set(shorts))


def test_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ps", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage:  boxship ps [OPTIONS]\n\nList containers\n\nAliases:\n")
    assert "\n  -a, --all             Show all containers" in out


def test_help_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["container"]) == 0
    assert capsys.readouterr().out.startswith("Usage:  boxship container COMMAND\n")


def test_help_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "volume", "ls"]) == 0
    assert capsys.readouterr().out.startswith("Usage:  boxship volume ls [OPTIONS]\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["foo"], 1, "boxship: unknown command: boxship foo\n"),
        (["imagse"], 1, "Did you mean images?"),
        (["container", "foo"], 1, "boxship: unknown command: boxship container foo\n"),
        (["--foo"], 125, "unknown flag: --foo\n"),
        (["rm"], 1, "boxship: 'boxship rm' requires at least 1 argument\n\nUsage:  boxship rm "),
        (["ps", "x"], 1, "boxship: 'boxship ps' accepts no arguments\n"),
        (["port"], 1, "boxship: 'boxship port' requires at least 1 and at most 2 arguments\n"),
        (["run", "--log-opts", "a=b", "x"], 125, "Did you mean --log-opt?"),
        (["run", "--log-driver", "--log-opts", "a=b", "x"], 125, "Did you mean --log-driver NAME"),
        (
            ["run", "--restart", "always", "--rm", "x"],
            125,
            "cannot specify both --restart and --rm",
        ),
        (["-l", "loud", "ps"], 1, "Unable to parse logging level: loud\n"),
        (["help", "foo"], 1, "unknown help topic: foo\n"),
        (["-c", "nope", "ps"], 1, 'context "nope": context not found'),
        (["-H", "ssh://host", "ps"], 1, "unable to parse docker host `ssh://host`"),
    ],
)
def test_a_mistake_is_told(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    assert message in capsys.readouterr().err


def test_no_engine_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NOWHERE, "ps"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        "Cannot connect to the Docker daemon at unix:///nowhere.sock. Is the docker daemon running?"
    )
    assert "boxship daemon" in second


def test_run_without_an_engine_exits_125(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NOWHERE, "run", "x"]) == 125
    assert capsys.readouterr().err.startswith("boxship: Cannot connect to the Docker daemon")


def test_a_near_word_is_found() -> None:
    assert hints.for_word("--deatch", ["--detach", "--tty"], {}) == "Did you mean --detach?"
    assert hints.for_word("xyz", ["ps", "rm"], {}) == ""
