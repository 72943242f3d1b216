"""Limits, usage and the out-of-memory killer, on the control groups of this host."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.kernel import cgroups
from boxship.kernel.cgroups import is_unified
from boxship.model.errors import System
from boxship.runtime.state import load
from boxship.runtime.update import update
from system.runtime_bundle import Box, spec

pytestmark = pytest.mark.root
MIB = 1 << 20


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path))
    yield box
    box.remove()


def limited(*args: str) -> dict[str, object]:
    document = spec(*args)
    document["linux"]["resources"] |= {
        "memory": {"limit": 32 * MIB, "swap": 32 * MIB},
        "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"},
        "pids": {"limit": 20},
    }
    return document


def test_limits_are_set_and_counted(box: Box) -> None:
    state = box.create(limited("sleep", "100"))
    assert state.group is not None
    stats = state.group.stats()
    assert stats["memory"]["limit"] == 32 * MIB
    assert stats["pids"] == {"current": 1, "limit": 20}
    assert stats["cpu"]["usage"] > 0


def test_limits_change_while_it_runs(box: Box) -> None:
    box.create(limited("sleep", "100"))
    box.start()
    update(
        box.id, box.root, {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}, "pids": {"limit": 9}}
    )
    state = load(box.id, box.root)
    assert state.group is not None
    assert state.group.stats()["memory"]["limit"] == 64 * MIB
    update(box.id, box.root, {"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    assert state.group.stats()["memory"]["limit"] == 16 * MIB
    assert state.group.stats()["pids"]["limit"] == 9
    assert load(box.id, box.root).spec["linux"]["resources"]["memory"]["limit"] == 16 * MIB


def test_the_number_of_processes_is_limited(box: Box) -> None:
    document = limited("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo no")
    document["linux"]["resources"]["pids"]["limit"] = 5  # type: ignore[index]
    code, said = box.run(document)
    assert code != 0
    assert "can't fork" in said


def test_the_out_of_memory_killer_is_heard(box: Box) -> None:
    document = limited("busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1")
    state = box.create(document)
    assert state.group is not None
    oom = state.group.oom_events()
    assert oom is not None
    assert oom.happened() == 0
    box.start()
    assert box.wait() == 137
    assert select.select([oom.fileno()], [], [], 5)[0]
    assert oom.happened() >= 1
    oom.close()


def test_a_limit_that_the_kernel_refuses_is_named(box: Box) -> None:
    document = limited("true")
    document["linux"]["resources"]["cpu"]["cpus"] = "512"  # type: ignore[index]
    with pytest.raises(System, match=r"write '512' to .*cpuset.cpus"):
        box.create(document)
    assert os.listdir(box.root) == []


@pytest.mark.skipif(is_unified(), reason="v1 shows one directory for each controller")
def test_the_container_sees_its_own_group_as_the_root(box: Box) -> None:
    document = limited(
        "sh",
        "-c",
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes; echo 1 > /sys/fs/cgroup/pids/pids.max",
    )
    options = ["nosuid", "noexec", "nodev", "relatime", "ro"]
    mount = {
        "destination": "/sys/fs/cgroup",
        "type": "cgroup",
        "source": "cgroup",
        "options": options,
    }
    document["mounts"].append(mount)  # type: ignore[attr-defined]
    _, said = box.run(document)
    assert said.startswith(f"{32 * MIB}\n")
    assert "Read-only file system" in said


@pytest.mark.skipif(not os.path.isdir("/sys/fs/cgroup/unified"), reason="needs a hybrid host")
class TestV2OnAHybridHost:
    """The v2 hierarchy without controllers: birth, freezing, killing, devices, removal."""

    @pytest.fixture
    def group(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[cgroups.Group]:
        from boxship.kernel import cgroups_v2

        monkeypatch.setattr(cgroups_v2, "MOUNT_POINT", "/sys/fs/cgroup/unified")
        group = cgroups_v2.find(f"/boxship-test-{os.getpid()}/v2")
        group.create()
        yield group
        group.kill()
        group.remove()
        os.rmdir(os.path.dirname(group.main))

    def born(self, group: cgroups.Group, body: object = None) -> int:
        from boxship.kernel.process import clone

        entrance = group.entrance()
        pid = clone(0, body or (lambda: os.read(os.pipe()[0], 1)), group=entrance.born)  # type: ignore[arg-type]
        entrance.close()
        return pid

    def test_a_process_is_born_in_it_frozen_and_killed(self, group: cgroups.Group) -> None:
        pid = self.born(group)
        assert group.pids() == [pid]
        group.freeze(True)
        assert group.is_frozen()
        group.kill()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
        assert group.pids() == []

    def test_devices_are_what_the_rules_say(self, group: cgroups.Group, tmp_path: Path) -> None:
        os.mknod(tmp_path / "kmsg", 0o20666, os.makedev(1, 11))

        def opens(path: str) -> int:
            def body() -> None:
                os.close(os.open(path, os.O_RDONLY))

            return os.waitstatus_to_exitcode(os.waitpid(self.born(group, body), 0)[1])

        group.apply({"devices": [{"allow": False, "access": "rwm"}]})
        assert opens("/dev/null") == 0
        assert opens(str(tmp_path / "kmsg")) == 1
        group.apply({"devices": [{"allow": True, "access": "rwm"}]})
        assert opens(str(tmp_path / "kmsg")) == 0
