"""What a new user does: `pip install .`, then `boxship` from any directory, with no daemon yet.

The default engine has fixed places: /run, /var/lib, /var/log, bridge boxship0.  The story plays in
mount and network namespaces of its own, where these are empty.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from suites.cli_world import BUSYBOX

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
]

PROJECT = Path(__file__).parents[2]
STORY = """
set -e
for place in /run /var/lib /var/log; do mount -t tmpfs tmpfs $place; done
ip link set lo up
cd /usr/share
boxship ps
boxship image bootstrap busybox
boxship run -d --name web1 -p 5000:8080 busybox httpd -f -p 8080
boxship port web1
boxship rm -f web1
kill $(cat /run/boxship.pid)
for i in $(seq 300); do [ -e /run/boxship.pid ] || break; sleep 0.05; done
[ ! -e /run/boxship.pid ]
[ ! -e /sys/class/net/boxship0 ]
boxship -H unix:///run/boxship/docker.sock ps || echo no daemon, $?
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the package; what it needs is taken from this one."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [home / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", PROJECT], check=True, capture_output=True, cwd="/")
    site = home / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    assert (site / "boxship/__main__.py").exists()
    (site / "of_the_project.pth").write_text(sysconfig.get_path("purelib"))
    return home / "bin"


def test_an_installed_boxship_starts_its_engine_and_says_so(programs: Path) -> None:
    """Point 1: from any directory; root's first command starts the daemon, its pid file ends it."""
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    for name in ("DOCKER_HOST", "BOXSHIP_HOST", "DOCKER_CONTEXT"):
        environment.pop(name, None)
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", STORY],
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("boxship: no engine runs here: starting one (log: /var/log/boxs")
    assert done.stderr.count("starting one") == 1
    assert "8080/tcp -> 0.0.0.0:5000\n" in done.stdout
    assert done.stdout.endswith("no daemon, 1\n")
    assert "Is the docker daemon running?" in done.stderr


def test_an_installed_runtime_runs(programs: Path, tmp_path: Path) -> None:
    """`boxship-runtime` beside it, from any directory."""
    done = subprocess.run(
        [programs / "boxship-runtime", "spec"], cwd=tmp_path, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "config.json").exists()
