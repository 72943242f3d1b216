"""Images and containers made to harm the engine, through the real docker client."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from suites.archives import archive, entry, link
from suites.cli_world import busybox_archive
from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from suites.docker_client import Docker

pytestmark = pytest.mark.root

# Docker's default: what a container could do to a device that an image has.
WATCHDOG = {"type": tarfile.CHRTYPE, "devmajor": 10, "devminor": 130}
Member = tuple[tarfile.TarInfo, bytes]


def image(docker: Docker, *more: Member) -> str:
    """Busybox, with what an attacker adds or replaces."""
    replaced = {info.name for info, _ in more} | {f"{info.name}/note" for info, _ in more}
    with tarfile.open(fileobj=io.BytesIO(busybox_archive())) as base:
        kept = [
            (info, found.read() if (found := base.extractfile(info)) else b"")
            if info.isfile()
            else (info, b"")
            for info in base
            if info.name not in replaced
        ]
    docker("import", "-c", 'CMD ["sh"]', "-", "hostile:1", stdin=archive(*kept, *more))
    return "hostile:1"


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """What no container of these tests may touch."""
    (tmp_path / "secret").write_text("root:x:0:0:secret:/:/bin/sh\n")
    before = tmp_path.stat()
    yield tmp_path
    after = tmp_path.stat()
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (after.st_mode, after.st_uid, after.st_mtime_ns) == (
        before.st_mode, before.st_uid, before.st_mtime_ns,
    )  # fmt: skip


@pytest.mark.parametrize(
    "passwd",
    [
        entry("etc/passwd", type=tarfile.FIFOTYPE),
        entry("etc/passwd", **WATCHDOG),
        entry("etc/passwd", type=tarfile.DIRTYPE, mode=0o755),
        link("etc/passwd", "passwd"),
        link("etc/passwd", "/proc/self/fd/0"),
        entry("etc/passwd", b"root:x:\xc2\xb2:0:::\n:::::\n\xff\x00"),
        entry("etc/passwd", b"x" * (5 << 20)),
    ],
    ids=["fifo", "device", "directory", "loop", "magic link", "digits", "long"],
)
def test_any_passwd_lets_root_run(docker: Docker, passwd: Member) -> None:
    name = image(docker, passwd)
    assert docker("run", "--rm", "-w", "/made", name, "pwd") == "/made"
    said = docker.say("run", "--rm", "-u", "web", name, "true")
    assert "unable to find user web: no matching entries in passwd file" in said.err


def test_passwd_of_the_host_names_no_user(docker: Docker, outside: Path) -> None:
    table = link("etc/passwd", f"../../../../../../../..{outside}/secret")
    name = image(docker, table)
    assert docker("run", "--rm", name, "sh", "-c", "echo $HOME; cat /etc/passwd || true") == "/"


@pytest.mark.parametrize("target", ["{outside}", "../../../../../../../..{outside}", "/proc"])
@pytest.mark.parametrize("place", ["etc", "dev", "tmp"])
def test_a_linked_directory_stays_inside(
    docker: Docker, outside: Path, place: str, target: str
) -> None:
    name = image(docker, link(place, target.format(outside=outside)))
    docker.say("run", "--rm", "--tmpfs", "/tmp/x", "-w", "/tmp/y", name, "touch", "/etc/hosts")


@pytest.mark.parametrize("mode", ["fifo", "device", "link", "directory"])
@pytest.mark.parametrize("file", ["hosts", "hostname", "resolv.conf"])
def test_files_of_the_engine_replace_what_is_there(
    docker: Docker, outside: Path, file: str, mode: str
) -> None:
    """Only a directory cannot be covered by a file; that is said, and nothing is left."""
    name = f"etc/{file}"
    there = {
        "fifo": entry(name, type=tarfile.FIFOTYPE),
        "device": entry(name, **WATCHDOG),
        "link": link(name, f"{outside}/secret"),
        "directory": entry(name, type=tarfile.DIRTYPE, mode=0o755),
    }[mode]
    said = docker.say("run", "--rm", "-h", "box", image(docker, there), "cat", f"/{name}")
    if mode == "directory":
        assert said.code == 125
        assert f"/{name}" in said.err
    else:
        assert said.code == 0, said
        assert "secret" not in said.out


def test_a_volume_takes_everything_and_leads_nowhere(docker: Docker, outside: Path) -> None:
    tree = [
        entry("v/", mode=0o1777),
        link("v/out", str(outside)),
        entry("v/fifo", type=tarfile.FIFOTYPE),
        entry("v/device", **WATCHDOG),
        entry("v/program", b"x", mode=0o4755),
    ]
    name = image(docker, *tree)
    said = docker("run", "--rm", "-v", "filled:/v", name, "sh", "-c", "ls -l /v | cut -c1-10")
    assert said.split()[2:] == ["crw-r--r--", "prw-r--r--", "lrwxrwxrwx", "-rwsr-xr-x"]


def test_a_volume_is_not_filled_through_its_neighbour_s_links(
    docker: Docker, outside: Path
) -> None:
    """The neighbour watches for the first entry, and lays links where the others will be."""
    names = [f"{number:03}" for number in range(200)]
    tree = [entry(f"v/{name}/", mode=0o777) for name in names]
    tree += [entry(f"v/{name}/taken", b"x") for name in names]
    lay = (
        'until [ -n "$(ls /v)" ]; do :; done; for n in $(seq 199 -1 0); do '
        f"ln -s ../../../../../../../../../..{outside} /v/$(printf %03d $n); done"
    )
    docker("volume", "create", "shared")
    docker.run("-v", "shared:/v", IMAGE, "sh", "-c", lay)
    docker("run", "--rm", "-v", "shared:/v", image(docker, *tree), "true")


def test_a_tree_as_deep_as_can_be_is_read_and_removed(docker: Docker, tmp_path: Path) -> None:
    dig = "i=0; while [ $i -lt 1500 ]; do mkdir -p d/d && cd d/d; i=$((i+1)); done"
    docker("run", "--name", "deep", "-v", "deep:/v", IMAGE, "sh", "-c", f"({dig}); cd /v; {dig}")
    assert docker("diff", "deep").count("\n") > 1999
    assert docker("ps", "-a", "-s", "--format", "{{.Names}} {{.Size}}").startswith("deep 0B")
    docker("export", "-o", f"{tmp_path}/deep.tar", "deep")
    docker("rm", "deep")
    docker("volume", "rm", "deep")


def test_reading_a_container_that_swaps_files_and_links(
    docker: Docker, outside: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    swap = (
        f"cd /tmp; while :; do echo x > f; rm f; mkfifo f; rm f; mknod f c 10 130; rm f; "
        f"mkdir -p f; echo x > f/secret; mv f g; ln -s {outside} f; rm f; rm -r g; done"
    )
    docker.run("--name", "swap", IMAGE, "sh", "-c", swap)
    tar = tmp_path_factory.mktemp("export") / "tar"
    for _ in range(5):
        docker("export", "-o", str(tar), "swap")
        assert b"root:x:0" not in tar.read_bytes()
        assert "root:x:0" not in docker("diff", "swap")
        docker("ps", "-s")


def test_a_program_that_is_a_fifo_does_not_hold_up_anything(docker: Docker) -> None:
    name = image(docker, entry("bin/fifo", type=tarfile.FIFOTYPE, mode=0o755))
    said = docker.say("run", "--rm", name, "/bin/fifo")
    assert said.code == 126
    assert "it is not a regular file" in said.err


def test_a_fork_bomb_can_be_entered_and_removed(docker: Docker) -> None:
    docker.run("--name", "bomb", "--pids-limit", "30", IMAGE, "sleep", "100")
    docker("exec", "-d", "bomb", "sh", "-c", "f() { f & f & sleep 100; }; f")
    assert docker("exec", "bomb", "echo", "in") == "in"
    docker("rm", "-f", "bomb")
