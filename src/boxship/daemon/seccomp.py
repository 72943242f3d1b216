"""Docker's seccomp profile to the OCI form: rules by architecture, capabilities, kernel."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.host import HostFacts

NATIVE = {
    "amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64", "arm": "SCMP_ARCH_ARM",
    "386": "SCMP_ARCH_X86", "ppc64le": "SCMP_ARCH_PPC64LE", "s390x": "SCMP_ARCH_S390X",
    "riscv64": "SCMP_ARCH_RISCV64", "loong64": "SCMP_ARCH_LOONGARCH64",
}  # fmt: skip


@lru_cache(maxsize=1)
def default_profile() -> dict[str, Any]:
    """Docker's profile; it is data beside this file."""
    text = files("boxship.daemon").joinpath("data/seccomp.json").read_text()
    profile: dict[str, Any] = json.loads(text)
    return profile


def parsed(text: str) -> dict[str, Any]:
    """A profile that a user gave."""
    try:
        profile = json.loads(text)
    except ValueError as e:
        raise Invalid(f"Decoding seccomp profile failed: {e}") from e
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise Invalid("Decoding seccomp profile failed: it has no defaultAction")
    return profile


def converted(profile: dict[str, Any], capabilities: list[str], host: HostFacts) -> dict[str, Any]:
    """The OCI `linux.seccomp` for a container with these capabilities on this host."""
    wanted = [r for r in profile.get("syscalls") or [] if _applies(r, set(capabilities), host)]
    done = {
        "defaultAction": profile["defaultAction"],
        "architectures": _architectures(profile, host.arch),
        "syscalls": [_rule(rule) for rule in wanted],
    }
    if "defaultErrnoRet" in profile:
        done["defaultErrnoRet"] = profile["defaultErrnoRet"]
    if profile.get("flags"):
        done["flags"] = profile["flags"]
    return done


def _architectures(profile: dict[str, Any], arch: str) -> list[str]:
    if profile.get("architectures"):
        return list(profile["architectures"])
    native = NATIVE.get(arch, "")
    for entry in profile.get("archMap") or []:
        if entry["architecture"] == native:
            return [native, *(entry.get("subArchitectures") or [])]
    return [native] if native else []


def _applies(rule: dict[str, Any], capabilities: set[str], host: HostFacts) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if includes.get("arches") and host.arch not in includes["arches"]:
        return False
    if not set(includes.get("caps") or ()) <= capabilities:
        return False
    if includes.get("minKernel") and host.kernel_version < _version(includes["minKernel"]):
        return False
    if host.arch in (excludes.get("arches") or ()):
        return False
    if excludes.get("minKernel") and host.kernel_version >= _version(excludes["minKernel"]):
        return False
    return not set(excludes.get("caps") or ()) & capabilities


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    names = rule.get("names") or [rule["name"]]
    done = {"names": names, "action": rule["action"]}
    if rule.get("errnoRet") is not None:
        done["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        done["args"] = rule["args"]
    return done
