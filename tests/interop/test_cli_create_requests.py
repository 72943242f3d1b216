"""`create` sends what the docker client sends, and complains as it does, for many flags."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop.recorder import Recorder
from suites.cli_world import DOCKER, OURS

CASES = (Path(__file__).parent / "cases" / "create.txt").read_text().splitlines()
FILES = {"env": "# c\n\nA=1\nB=2 \nHOME\nNOPE\n  C=3\n", "env2": "A=2\nD=4\n"}

pytestmark = pytest.mark.skipif(not DOCKER, reason="the docker client is not installed")


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    folder = tmp_path_factory.mktemp("recorder")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with Recorder(folder / "socket") as recorder:
        yield recorder


def outcome(recorder: Recorder, program: str, words: list[str]) -> tuple[Any, ...]:
    recorder.requests.clear()
    address = f"unix://{recorder.folder}/socket"
    done = subprocess.run(
        [program, "-H", address, "create", *words], capture_output=True, text=True, check=False
    )
    for _, body in recorder.requests:
        # The docker client takes binds and variables out of maps, in no order.
        body["HostConfig"]["Binds"] = sorted(body["HostConfig"]["Binds"] or ())
        body["Env"] = sorted(body["Env"] or ())
    said = done.stderr.replace("boxship", "docker")
    return done.returncode, done.stdout, said, list(recorder.requests)


@pytest.mark.parametrize("case", CASES)
def test_create_sends_the_same_request(recorder: Recorder, case: str) -> None:
    words = shlex.split(case.replace("@FILES@", str(recorder.folder)))
    theirs = outcome(recorder, DOCKER, words)
    assert outcome(recorder, OURS, words) == theirs
