"""A container's networks: NetworkSettings of inspect and of the list, and its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.api.docker.document import shown
from boxship.api.docker.network import EndpointSettings

if TYPE_CHECKING:
    from boxship.daemon.container import Container

_TOP = {
    "Bridge": "",
    "SandboxID": "",
    "SandboxKey": "",
    "Ports": {},
    "HairpinMode": False,
    "LinkLocalIPv6Address": "",
    "LinkLocalIPv6PrefixLen": 0,
    "SecondaryIPAddresses": None,
    "SecondaryIPv6Addresses": None,
    "EndpointID": "",
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
}
_OF_BRIDGE = (
    "EndpointID",
    "Gateway",
    "GlobalIPv6Address",
    "GlobalIPv6PrefixLen",
    "IPAddress",
    "IPPrefixLen",
    "IPv6Gateway",
    "MacAddress",
)


def endpoints(container: Container) -> dict[str, Any]:
    """Network name -> EndpointSettings: as it is attached, else as it was asked for."""
    live = container.network_settings.get("Networks") or {}
    asked = container.networking or {}
    names = list(live) or list(asked) or _default_networks(container)
    return {
        name: shown(EndpointSettings, {**(asked.get(name) or {}), **(live.get(name) or {})})
        for name in names
    }


def settings(container: Container) -> dict[str, Any]:
    """The NetworkSettings of inspect."""
    live = container.network_settings
    result = {name: live.get(name, default) for name, default in _TOP.items()}
    networks = endpoints(container)
    bridge = networks.get("bridge")
    if bridge:
        for name in _OF_BRIDGE:
            result[name] = bridge[name]
    result["Ports"] = live.get("Ports") or {}
    result["Networks"] = networks
    return result


def ports(container: Container) -> list[dict[str, Any]]:
    """The `Ports` of the list: one entry for each place a port is published, or one alone."""
    result = []
    for port, places in (container.network_settings.get("Ports") or {}).items():
        number, _, protocol = port.partition("/")
        inside = {"PrivatePort": int(number), "Type": protocol or "tcp"}
        for place in places or ():
            entry: dict[str, Any] = {"IP": place["HostIp"]} if place.get("HostIp") else {}
            entry |= {
                "PrivatePort": inside["PrivatePort"],
                "PublicPort": int(place["HostPort"]),
                "Type": inside["Type"],
            }
            result.append(entry)
        if not places:
            result.append(inside)
    return result


def _default_networks(container: Container) -> list[str]:
    mode = container.host_config.get("NetworkMode") or "bridge"
    return [] if mode.startswith("container:") else [mode]
