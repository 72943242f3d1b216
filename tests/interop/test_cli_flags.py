"""Every command that we have takes the docker client's flags, by the same names and letters."""

import subprocess
from collections.abc import Iterator
from importlib import import_module

import pytest

from boxship.cli import commands
from suites.cli_world import DOCKER

pytestmark = pytest.mark.skipif(not DOCKER, reason="the docker client is not installed")


def paths() -> Iterator[tuple[str, str]]:
    for name, (module, _) in commands.top_level().items():
        yield name, module
    for group, (_, entries) in commands.GROUPS.items():
        for name, (module, _) in entries.items():
            if (group, name) != ("image", "bootstrap"):
                yield f"{group} {name}", module


def docker_flags(path: str) -> dict[str, tuple[str, str]]:
    text = subprocess.run([DOCKER, *path.split(), "--help"], capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        head = line[:6].strip(" ,-")
        if line[:2] == "  " and line[6:8] == "--":
            words = line[8:].split("  ")[0].split()
            found[words[0]] = (head, words[1] if len(words) > 1 else "")
    return found


@pytest.mark.parametrize(("path", "module"), list(paths()))
def test_a_command_takes_the_same_flags(path: str, module: str) -> None:
    command = import_module(f"boxship.cli.{module}").COMMAND
    ours = {flag.name: (flag.short, flag.kind.word) for flag in command.flags if not flag.hidden}
    theirs = docker_flags(path)
    theirs.pop("help", None)
    if path == "volume create":
        # The rest is for volumes of a cluster.
        theirs = {name: theirs[name] for name in ours}
    assert ours == theirs


@pytest.mark.parametrize(("path", "module"), list(paths()))
def test_a_command_has_the_same_usage_line(path: str, module: str) -> None:
    command = import_module(f"boxship.cli.{module}").COMMAND
    text = subprocess.run([DOCKER, *path.split(), "--help"], capture_output=True, text=True).stdout
    assert text.splitlines()[0] == f"Usage:  docker {path} {command.usage}".rstrip()
    aliases = [f"docker {alias}" for alias in command.aliases]
    if aliases:
        assert f"  {', '.join(aliases)}" in text
