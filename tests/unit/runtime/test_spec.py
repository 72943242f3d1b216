import json
from pathlib import Path
from typing import Any

import pytest

from boxship.model.errors import BoxshipError, Invalid, NotFound
from boxship.runtime import host, spec
from boxship.runtime.features import example
from boxship.runtime.namespaces import Namespaces
from boxship.runtime.rootfs import propagation_flag


def changed(path: str, value: object) -> dict[str, Any]:
    document = json.loads(json.dumps(example()))
    at = document
    *above, last = path.split(".")
    for key in above:
        at = at[key]
    at[last] = value
    return document


def test_the_example_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(example()))
    bundle = spec.load(str(tmp_path))
    assert bundle.rootfs == str(tmp_path / "rootfs")
    assert bundle.namespaces.new == {"pid", "network", "ipc", "uts", "mount", "cgroup"}
    spec.check(example(rootless=True))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("root", None, "root.path"),
        ("process.args", [], "args must not be empty"),
        ("process.cwd", "", "Cwd property must not be empty"),
        ("process.cwd", "app", "Cwd must be an absolute path"),
        ("process.rlimits", [{"type": "RLIMIT_CPU"}] * 2, "duplicated"),
        ("process.selinuxLabel", "system_u", "SELinux"),
        ("linux.namespaces", [{"type": "pid"}], "mount namespace"),
        ("linux.namespaces", [{"type": "mount"}] * 2, "duplicate namespace"),
        ("linux.namespaces", [{"type": "moon"}], "does not exist"),
        ("linux.namespaces", [{"type": "mount"}], "private UTS"),
        ("linux.uidMappings", [{"containerID": 0, "hostID": 1, "size": 1}], "no user namespace"),
        ("linux.timeOffsets", {"boottime": {"secs": 1}}, "time namespace"),
        ("linux.maskedPaths", ["proc/kcore"], "must be absolute"),
        ("linux.intelRdt", {"closID": "x"}, "not supported"),
        ("mounts", [{"source": "x"}], "needs a destination"),
        ("windows", {"x": 1}, "Linux containers only"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    path: str, value: object, words: str
) -> None:
    with pytest.raises(BoxshipError, match=words):
        spec.check(changed(path, value))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"root": 1}',
        '{"root": {"path": "x"}, "mounts": 5}',
        '{"root": {"path": "x"}, "process": {"args": ["x"], "cwd": 7}}',
        '{"root": {"path": "x"}, "linux": {"namespaces": [1]}}',
        '{"root": {"path": "x"}, "linux": []}',
        '{"root": {"path": 1}, "linux": {"namespaces": [{"type": "mount"}]}}',
    ],
)
def test_a_malformed_spec_is_invalid(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BoxshipError):
        spec.load(str(tmp_path))


def test_a_bundle_without_a_spec(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"JSON specification file .*config\.json not found"):
        spec.load(str(tmp_path))


@pytest.mark.parametrize("name", ["a", "web_1", "a+b-c.d", "..."])
def test_ids(name: str) -> None:
    spec.check_id(name)


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/b", "a\n", "ü"])
def test_no_ids(name: str) -> None:
    with pytest.raises(Invalid):
        spec.check_id(name)


def test_sysctls_belong_to_private_namespaces() -> None:
    private = Namespaces([{"type": kind} for kind in ("ipc", "network", "uts")])
    host.check_sysctls(
        {"net.core.somaxconn": "1", "kernel.shmmax": "1", "fs.mqueue.x": "1"}, private
    )
    host.check_sysctls({"net/ipv4/conf/eth0.100/forwarding": "1"}, private)
    for key in ("net.core.somaxconn", "kernel.shmmax", "vm.swappiness", "kernel.panic"):
        with pytest.raises(Invalid):
            host.check_sysctls({key: "1"}, Namespaces([{"type": "mount"}]))


def test_propagation_words() -> None:
    assert propagation_flag("rslave") == propagation_flag("slave") == propagation_flag("")
    with pytest.raises(Invalid, match="rootfsPropagation=sideways"):
        propagation_flag("sideways")
