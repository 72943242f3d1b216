"""Specs, compared with what dockerd 28.5 gives its runtime for the same command line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from boxship.daemon import capabilities, defaults, devices
from boxship.daemon.spec import SpecInputs, build_spec
from boxship.daemon.users import User

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
QUIET = ["nosuid", "noexec", "nodev"]
DOCKER_CAPS = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
]  # fmt: skip


def inputs(host_config: dict[str, Any] | None = None, **config: object) -> SpecInputs:
    """`docker run busybox sleep 1000` with these fields changed."""
    whole = defaults.host_config(
        host_config or {}, log_driver="json-file", log_options={}, cgroup_v2=False
    )
    nodes, rules = devices.devices(whole)
    return SpecInputs(
        container_id="e4b8",
        path="sleep",
        args=["1000"],
        config=defaults.config({"Image": "busybox", **config}, {}, hostname="e4b8fdec4d56"),
        host_config=whole,
        root="/root/merged",
        user=User(0, 0, (0,)),
        hostname="e4b8fdec4d56",
        capabilities=list(capabilities.DEFAULT),
        cgroups_path="/docker/e4b8",
        namespaces={"network": "/netns/1", "uts": None, "pid": None, "ipc": None},
        files={"/etc/hosts": "/c/hosts"},
        devices=nodes,
        device_rules=rules,
    )


def test_a_plain_container_is_what_dockerd_makes() -> None:
    spec = build_spec(inputs())
    assert spec["process"] == {
        "terminal": False,
        "user": {"uid": 0, "gid": 0, "additionalGids": [0]},
        "args": ["sleep", "1000"],
        "env": [PATH, "HOSTNAME=e4b8fdec4d56"],
        "cwd": "/",
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), DOCKER_CAPS),
        "noNewPrivileges": False,
        "oomScoreAdj": 0,
    }
    assert spec["root"] == {"path": "/root/merged", "readonly": False}
    assert spec["hostname"] == "e4b8fdec4d56"
    assert [(m["destination"], m["type"], m["options"]) for m in spec["mounts"]] == [
        ("/proc", "proc", QUIET),
        ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        (
            "/dev/pts",
            "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        ("/sys", "sysfs", [*QUIET, "ro"]),
        ("/sys/fs/cgroup", "cgroup", ["ro", *QUIET]),
        ("/dev/mqueue", "mqueue", QUIET),
        ("/dev/shm", "tmpfs", [*QUIET, "mode=1777", "size=67108864"]),
        ("/etc/hosts", "bind", ["rbind", "rprivate"]),
    ]
    linux = spec["linux"]
    assert linux["namespaces"] == [
        {"type": "mount"},
        {"type": "network", "path": "/netns/1"},
        {"type": "uts"},
        {"type": "pid"},
        {"type": "ipc"},
    ]
    assert linux["sysctl"] == {
        "net.ipv4.ip_unprivileged_port_start": "0",
        "net.ipv4.ping_group_range": "0 2147483647",
    }
    assert linux["cgroupsPath"] == "/docker/e4b8"
    assert linux["maskedPaths"][:2] == ["/proc/asound", "/proc/acpi"]
    assert linux["readonlyPaths"] == [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]  # fmt: skip
    assert linux["resources"]["memory"] == {"disableOOMKiller": False}


def test_limits_become_resources_as_in_dockerd() -> None:
    spec = build_spec(
        inputs({"Memory": 64 << 20, "NanoCpus": 500_000_000, "CpuShares": 512, "PidsLimit": 50})
    )
    resources = spec["linux"]["resources"]
    assert resources["memory"] == {"limit": 67108864, "swap": 134217728, "disableOOMKiller": False}
    assert resources["cpu"] == {"shares": 512, "quota": 50000, "period": 100000}
    assert resources["pids"] == {"limit": 50}


def test_a_terminal_has_term_and_a_size() -> None:
    process = build_spec(inputs({"ConsoleSize": [24, 80]}, Tty=True))["process"]
    assert process["terminal"]
    assert process["env"] == [PATH, "HOSTNAME=e4b8fdec4d56", "TERM=xterm"]
    assert process["consoleSize"] == {"height": 24, "width": 80}


def test_privileged_takes_all_restrictions_away() -> None:
    spec = build_spec(inputs({"Privileged": True}))
    options = {m["destination"]: m["options"] for m in spec["mounts"]}
    assert options["/sys"] == QUIET
    assert options["/sys/fs/cgroup"] == QUIET
    assert "maskedPaths" not in spec["linux"]
    assert spec["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]


def test_the_hosts_namespaces_are_not_listed_and_get_no_sysctls() -> None:
    given = replace(inputs({"NetworkMode": "host"}), namespaces={"pid": None, "ipc": None})
    spec = build_spec(given)
    assert [n["type"] for n in spec["linux"]["namespaces"]] == ["mount", "pid", "ipc"]
    assert "sysctl" not in spec["linux"]
    assert "hostname" not in spec


def test_an_init_comes_first_and_is_mounted() -> None:
    spec = build_spec(replace(inputs(), init="/usr/bin/tini-static"))
    assert spec["process"]["args"] == ["/sbin/docker-init", "--", "sleep", "1000"]
    assert {
        "destination": "/sbin/docker-init",
        "type": "bind",
        "source": "/usr/bin/tini-static",
        "options": ["bind", "ro"],
    } in spec["mounts"]


def test_ulimits_of_the_container_win_over_the_daemons() -> None:
    given = replace(
        inputs({"Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": -1}]}),
        ulimits=[{"Name": "nofile", "Soft": 1, "Hard": 1}, {"Name": "core", "Soft": 0, "Hard": 0}],
    )
    assert build_spec(given)["process"]["rlimits"] == [
        {"type": "RLIMIT_NOFILE", "hard": 2**64 - 1, "soft": 100},
        {"type": "RLIMIT_CORE", "hard": 0, "soft": 0},
    ]


@pytest.mark.parametrize(
    ("mode", "shm", "found"),
    [
        ("private", "", ("tmpfs", "shm")),
        ("host", "/dev/shm", ("bind", "/dev/shm")),
        ("none", "", None),
    ],
)
def test_shared_memory(mode: str, shm: str, found: tuple[str, str] | None) -> None:
    spec = build_spec(replace(inputs({"IpcMode": mode}), shm=shm))
    mounts = [m for m in spec["mounts"] if m["destination"] == "/dev/shm"]
    assert [(m["type"], m["source"]) for m in mounts] == ([found] if found else [])


def test_a_mount_of_the_user_replaces_ours() -> None:
    point = {
        "Type": "bind", "Source": "/my/hosts", "Destination": "/etc/hosts", "RW": False,
        "Mode": "ro", "Propagation": "rprivate",
    }  # fmt: skip
    spec = build_spec(replace(inputs(), mount_points=[point]))
    assert [m for m in spec["mounts"] if m["destination"] == "/etc/hosts"] == [
        {
            "destination": "/etc/hosts",
            "type": "bind",
            "source": "/my/hosts",
            "options": ["rbind", "ro", "rprivate"],
        }
    ]


def test_domain_name_and_sysctls() -> None:
    spec = build_spec(inputs({"Sysctls": {"net.ipv4.ip_forward": "1"}}, Domainname="d1"))
    assert spec["linux"]["sysctl"]["kernel.domainname"] == "d1"
    assert spec["linux"]["sysctl"]["net.ipv4.ip_forward"] == "1"
