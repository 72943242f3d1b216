"""A real dockerd whose containerd is our supervisor: the proof that the wire is the real one.

BOXSHIP_TEST_DOCKERD names the dockerd, else the one on PATH is taken; 28.5 was tried.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from suites.supervisor_world import OWN, RUNC, World, lacks, settled

DOCKERD = os.environ.get("BOXSHIP_TEST_DOCKERD") or shutil.which("dockerd")

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKERD, reason="dockerd is not installed (BOXSHIP_TEST_DOCKERD)"),
    pytest.mark.skipif(not shutil.which("docker"), reason="the docker client is not installed"),
]


class Docker:
    """The real client on the real daemon on our supervisor."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.socket = f"unix://{world.directory}/d.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, without a network of its own, and import an image."""
        directory = self.world.directory
        with open(directory / "dockerd.log", "wb") as log:
            self.process = subprocess.Popen(
                [
                    *(str(DOCKERD), "--containerd", self.world.address, "-H", self.socket),
                    *("--data-root", f"{directory}/dd", "--exec-root", f"{directory}/de"),
                    *("--pidfile", f"{directory}/d.pid", "--storage-driver", "vfs"),
                    *("--iptables=false", "--ip6tables=false", "--bridge=none"),
                    "--userland-proxy=false",
                ],
                stderr=log,
            )
        archive = subprocess.run(
            ["tar", "-C", str(self.world.rootfs), "-c", "."], capture_output=True, check=True
        ).stdout
        (directory / "image.tar").write_bytes(archive)

    async def ready(self) -> None:
        """Return when it answers and has the image."""
        async with asyncio.timeout(60):
            while not (self.world.directory / "d.sock").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        self("import", str(self.world.directory / "image.tar"), "box")

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def fails(self, *arguments: str) -> bool:
        """Whether a command does not work now."""
        command = ["docker", "-H", self.socket, *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            ["docker", "-H", self.socket, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr + self.world.log()
        return done.stdout.strip() if code == 0 else done.stderr.strip()


@pytest.fixture
async def docker(tmp_path: Path) -> AsyncIterator[Docker]:
    async for world in settled(World(tmp_path)):
        one = Docker(world)
        one.start()
        try:
            await one.ready()
            yield one
        finally:
            one.stop()


@pytest.mark.parametrize("runtime", [RUNC, OWN])
async def test_containers_of_a_real_dockerd(docker: Docker, runtime: str) -> None:
    if reason := lacks(runtime):
        pytest.skip(reason)
    run = ("run", "--runtime", runtime, "--network", "none")
    assert docker(*run, "--rm", "box", "/bin/echo", "hello") == "hello"
    docker(*run, "--rm", "box", "/bin/sh", "-c", "exit 7", code=7)
    assert "no such file or directory" in docker(*run, "--rm", "box", "/bin/nope", code=127)
    docker(*run, "-d", "--name", "web", "box", "/bin/sleep", "600")
    assert docker("exec", "web", "/bin/echo", "inside") == "inside"
    docker("pause", "web")
    docker("unpause", "web")
    docker.world.kill()
    docker.world.start()
    async with asyncio.timeout(30):
        while docker.fails("exec", "web", "/bin/true"):  # noqa: ASYNC110  # dockerd dials again
            await asyncio.sleep(0.2)
    assert docker("exec", "web", "/bin/echo", "again") == "again"
    docker("kill", "web")
    assert docker("wait", "web") == "137"
    docker("rm", "web")
