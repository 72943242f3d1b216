"""What a container can lay in the way of a process that is brought into it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.model.errors import Forbidden, Invalid, System
from boxship.runtime import execute, process
from boxship.runtime.operations import Stage
from system.runtime_bundle import Box, spec

pytestmark = pytest.mark.root


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path))
    yield box
    box.remove()


@pytest.fixture
def running(box: Box) -> Box:
    """It has a root that can be told from the host's."""
    box.write("mark", "")
    box.create(spec("sleep", "100"))
    box.start()
    return box


def test_who_enters_has_nothing_of_the_host_when_the_container_first_sees_it(
    running: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CAP_SYS_PTRACE a container could use its root, and any directory it has open."""
    look_around = execute._look_around

    def tell(stage: Stage, own: int) -> None:
        look_around(stage, own)
        inside = {os.stat(path).st_dev for path in ("/", "/proc")}
        held = [
            path for fd in os.listdir("/proc/self/fd") if os.path.isdir(path := f"/dev/fd/{fd}")
        ]
        led = [path for path in held if os.stat(path).st_dev not in inside]
        raise Invalid(f"{os.path.exists('/mark')} {os.getpid() > 1} {len(led)}")

    monkeypatch.setattr(execute, "_look_around", tell)
    with pytest.raises(Invalid, match=r"^True True 0$"):
        running.exec("true")


def test_another_proc_is_not_believed(running: Box) -> None:
    """What says which descriptors a process has must be procfs, and of that process."""
    mine = os.memfd_create("mine")
    others = os.open("/proc/1/fd", os.O_RDONLY)
    own = os.open("/proc/self/fd", os.O_RDONLY)
    try:
        assert not execute._is_in(mine, others)
        assert execute._is_in(mine, own)
    finally:
        for fd in (mine, others, own):
            os.close(fd)


def test_a_container_without_proc_can_be_entered(box: Box) -> None:
    document = spec("sleep", "100")
    document["mounts"] = [m for m in document["mounts"] if m["destination"] != "/proc"]
    document["linux"]["maskedPaths"] = document["linux"]["readonlyPaths"] = []
    box.create(document)
    box.start()
    assert box.exec("echo", "in") == (0, "in\n")
    for link in ("/proc/self/fd/4", "/proc/self/fd/5"):
        with pytest.raises((System, Forbidden)):
            box.exec("ls", "..", cwd=link)


@pytest.mark.parametrize("how", ["create", "exec"])
def test_modules_of_the_image_are_not_imported(
    box: Box, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime is root in there; an image may well have a Python of its own."""

    def home_of(_uid: int) -> str:
        import hostile  # type: ignore[import-not-found]

        return str(hostile.HOME)

    with tempfile.TemporaryDirectory() as folder:  # a path of the host that is one of the image
        os.makedirs(f"{box.rootfs}{folder}")
        box.write(f"{folder}/hostile.py", "open('/taken', 'w'); HOME = '/'")
        monkeypatch.setattr(sys, "path", [folder, *sys.path])
        monkeypatch.setattr(process, "home_of", home_of)
        monkeypatch.setattr("boxship.runtime.init.home_of", home_of)
        document = spec("sleep", "100")
        if how == "exec":
            document["process"]["env"].append("HOME=/")
        if how == "exec":
            box.create(document)
        attack = box.exec if how == "exec" else lambda _: box.create(document)
        with pytest.raises(System, match="No module named 'hostile'"):
            attack("true")
    assert not os.path.exists(f"{box.rootfs}/taken")


def test_a_fifo_as_program_is_refused(box: Box) -> None:
    """Whoever opened it to see what is wrong with it would wait for ever."""
    os.mkfifo(f"{box.rootfs}/bin/fifo")
    os.chmod(f"{box.rootfs}/bin/fifo", 0o755)
    box.create(spec("/bin/fifo"))
    with pytest.raises(Forbidden, match='exec: "/bin/fifo": permission denied') as refused:
        box.start()
    assert refused.value.hint == "it is not a regular file"


def test_a_fifo_in_a_running_container_is_refused(running: Box) -> None:
    os.mkfifo(f"{running.rootfs}/bin/fifo")
    os.chmod(f"{running.rootfs}/bin/fifo", 0o755)
    with pytest.raises(Forbidden, match="permission denied"):
        running.exec("/bin/fifo")
