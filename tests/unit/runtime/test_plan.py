"""The plan is a value: what would be done, in the very words of the error messages."""

import json
from typing import Any

from boxship.kernel.cgroups_v1 import GroupV1
from boxship.runtime.features import example
from boxship.runtime.handshake import Channel
from boxship.runtime.plan import Init, plan_init
from boxship.runtime.spec import Bundle


def sentences(document: dict[str, Any]) -> list[str]:
    bundle = Bundle("/b", json.dumps(document).encode())
    init = Init(bundle, GroupV1({"memory": "/sys/fs/cgroup/memory/x"}), Channel(-1, -1))
    return [operation.describe() for operation in plan_init(init)]


def test_the_plan_of_the_example() -> None:
    document = example()
    document["linux"]["maskedPaths"] = ["/proc/kcore"]
    document["linux"]["readonlyPaths"] = ["/proc/sys"]
    document["process"]["oomScoreAdj"] = 100
    assert [
        line for line in sentences(document) if not line.startswith(("make the dev", "link"))
    ] == [
        "reset the signals",
        "begin a session",
        "enter the control group",
        "make / slave",
        "bind the root file system /b/rootfs on itself",
        "set oom_score_adj to 100",
        "bring lo up",
        "mount proc on /proc",
        "mount tmpfs on /dev",
        "mount devpts on /dev/pts",
        "mount tmpfs on /dev/shm",
        "mount mqueue on /dev/mqueue",
        "mount sysfs on /sys",
        "mount the cgroup hierarchies on /sys/fs/cgroup",
        "make the working directory /",
        "pivot_root into the root file system",
        "open a terminal",
        "make the root file system read-only",
        "set the hostname to boxship",
        "make /proc/sys read-only",
        "mask /proc/kcore",
        "set RLIMIT_NOFILE to 1024:1024",
        "set no_new_privs",
        'chdir to cwd ("/") set in config.json failed',
        "become user 0:0",
        'chdir to cwd ("/") set in config.json failed',
    ]


def test_a_read_only_tmpfs_is_made_so_after_everything_is_in_it() -> None:
    document = example()
    document["mounts"][1]["options"].append("ro")
    plan = sentences(document)
    assert plan.index("remount /dev read-only") > plan.index("open a terminal")


def test_no_devices_are_made_in_a_bound_dev() -> None:
    document = example()
    document["mounts"][1] = {"destination": "/dev", "source": "/dev", "options": ["rbind"]}
    assert not [line for line in sentences(document) if line.startswith("make the device")]


def test_devices_of_the_spec_come_instead_of_the_default_ones() -> None:
    document = example()
    null = {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600}
    document["linux"]["devices"] = [null, {**null, "path": "/dev/ptmx"}]
    made = [line for line in sentences(document) if line.startswith("make the device")]
    assert made.count("make the device /dev/null (1:3)") == 1
    assert not [line for line in made if "ptmx" in line]


def test_hooks_stand_between_the_mounts_and_the_new_root() -> None:
    document = example()
    document["hooks"] = {"createRuntime": [{"path": "/x"}], "createContainer": [{"path": "/y"}]}
    plan = sentences(document)
    at = plan.index("run the hooks of the runtime")
    assert plan[at : at + 3] == [
        "run the hooks of the runtime",
        "run the createContainer hooks",
        "pivot_root into the root file system",
    ]
