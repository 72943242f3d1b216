"""Docker's profile for a host and a set of capabilities."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.daemon.capabilities import DEFAULT, KNOWN
from boxship.daemon.host import HostFacts
from boxship.daemon.seccomp import converted, default_profile, parsed
from boxship.model.errors import Invalid


def host(machine: str = "x86_64", kernel: str = "6.1.0") -> HostFacts:
    return HostFacts("h", machine, kernel, 2, 1 << 30, False, 40, (1 << 41) - 1, "Linux")


def allowed(filter_: dict[str, Any]) -> set[str]:
    return {
        name
        for rule in filter_["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args")
        for name in rule["names"]
    }


def test_the_default_filter_forbids_what_docker_forbids() -> None:
    made = converted(default_profile(), list(DEFAULT), host())
    assert made["defaultAction"] == "SCMP_ACT_ERRNO"
    assert made["defaultErrnoRet"] == 1
    assert made["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    names = allowed(made)
    assert {"openat", "chroot", "ptrace", "arch_prctl"} <= names
    assert not {"mount", "unshare", "bpf", "reboot", "init_module", "clone"} & names
    assert {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38} in made["syscalls"]


def test_capabilities_open_their_calls() -> None:
    names = allowed(converted(default_profile(), list(KNOWN), host()))
    assert {"mount", "unshare", "bpf", "reboot", "init_module", "clone", "clone3"} <= names


def test_an_old_kernel_has_no_ptrace_and_another_machine_other_calls() -> None:
    assert "ptrace" not in allowed(converted(default_profile(), [], host(kernel="4.4.0-x")))
    arm = converted(default_profile(), [], host("aarch64"))
    assert arm["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert "arch_prctl" not in allowed(arm)


def test_a_profile_of_the_user_is_checked() -> None:
    assert parsed('{"defaultAction": "SCMP_ACT_ALLOW"}')["defaultAction"] == "SCMP_ACT_ALLOW"
    with pytest.raises(Invalid, match="Decoding seccomp profile failed"):
        parsed("{")
