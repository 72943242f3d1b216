"""A network: inspect, and an entry of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boxship.network.values import Network


def entry(network: Network) -> dict[str, Any]:
    """An entry of `GET /networks`: who is in it is not told."""
    return {**inspect(network), "Containers": {}}


def inspect(network: Network) -> dict[str, Any]:
    """`GET /networks/{id}`."""
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": network.scope,
        "Driver": network.driver,
        "EnableIPv4": True,
        "EnableIPv6": False,
        "IPAM": network.ipam,
        "Internal": network.internal,
        "Attachable": False,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": network.containers,
        "Options": network.options,
        "Labels": network.labels,
    }
