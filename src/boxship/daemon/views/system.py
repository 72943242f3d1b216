"""`version`, `info` and `system/df`, for the version that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.api.docker.version import API_VERSION, MIN_API_VERSION

if TYPE_CHECKING:
    from boxship.api.docker.version import Version

BEFORE_1_44 = {"KernelMemory": True}
BEFORE_1_50 = {"BridgeNfIptables": False, "BridgeNfIp6tables": False}


def version(told: dict[str, Any]) -> dict[str, Any]:
    """What the engine tells of itself; the API's versions are ours to say."""
    return {**told, "ApiVersion": API_VERSION, "MinAPIVersion": MIN_API_VERSION}


def info(told: dict[str, Any], asked: Version) -> dict[str, Any]:
    """What the engine tells of itself and its host, with what older clients still expect."""
    result = dict(told)
    if asked < (1, 50):
        result |= BEFORE_1_50
        registries = result.get("RegistryConfig") or {}
        result["RegistryConfig"] = {
            "AllowNondistributableArtifactsCIDRs": None,
            "AllowNondistributableArtifactsHostnames": None,
            **registries,
        }
        runc = result.get("RuncCommit") or {"ID": ""}
        result["RuncCommit"] = {**runc, "Expected": runc["ID"]}
        result.pop("FirewallBackend", None)
    if asked < (1, 46):
        result.pop("Containerd", None)
    if asked < (1, 44):
        result |= BEFORE_1_44
        result["Runtimes"] = {
            name: {key: value for key, value in runtime.items() if key != "status"}
            for name, runtime in (result.get("Runtimes") or {}).items()
        }
    if asked < (1, 25):
        result["SecurityOptions"] = [_plain(option) for option in result["SecurityOptions"]]
    return result


def _plain(option: str) -> str:
    """`name=seccomp,profile=builtin` -> `seccomp`."""
    return option.partition(",")[0].removeprefix("name=")
