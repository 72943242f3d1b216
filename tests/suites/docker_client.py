"""The real docker client on one of our engines: say words, get exit code, output and errors."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suites.cli_world import DOCKER
from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.engine_deaths import Engine

PATIENCE_S = 40.0


@dataclass(frozen=True)
class Said:
    """What came of a command."""

    code: int
    out: str
    err: str


class Docker:
    """The client; `engine` is what it talks to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def say(self, *words: str, stdin: bytes = b"") -> Said:
        """Whatever comes of it."""
        done = subprocess.run(
            [DOCKER, *words],
            input=stdin,
            capture_output=True,
            env=self.engine.environment(),
            timeout=PATIENCE_S,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def __call__(self, *words: str, stdin: bytes = b"") -> str:
        """The output of a command that must succeed."""
        said = self.say(*words, stdin=stdin)
        assert said.code == 0, f"docker {' '.join(words)}: {said}\n{self.engine.log()[-3000:]}"
        return said.out.strip()

    def run(self, *words: str) -> str:
        """A container in the background, with the image of these tests; its id."""
        return self("run", "-d", *words)

    @contextmanager
    def beside(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that runs beside the test; ended with the block."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [DOCKER, *words], stdin=pipe, stdout=pipe, stderr=pipe, env=self.engine.environment()
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def tidy(self) -> None:
        """Remove every container and volume, and every image but ours."""
        if names := self.engine.names():
            self("rm", "-f", "-v", *names)
        self("volume", "prune", "-a", "-f")
        names = set(self("images", "--format", "{{.Repository}}:{{.Tag}}").split()) - {IMAGE}
        if names:
            self("rmi", "-f", *names)
