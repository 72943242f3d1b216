"""Where a registry is served: base URLs, best first, and whether plain HTTP is allowed there."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from boxship.model.reference import DEFAULT_DOMAIN

_HUB = "https://registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One base URL; `verify` says whether its certificate must be good."""

    url: str
    verify: bool = True


def endpoints(domain: str, insecure: Iterable[str] = ()) -> list[Endpoint]:
    """The endpoints of a registry: TLS first; plain HTTP only for loopback and as configured."""
    if domain == DEFAULT_DOMAIN:
        return [Endpoint(_HUB)]
    if not is_insecure(domain, insecure):
        return [Endpoint(f"https://{domain}")]
    return [Endpoint(f"https://{domain}", verify=False), Endpoint(f"http://{domain}")]


def is_insecure(domain: str, insecure: Iterable[str]) -> bool:
    """Whether `domain` is this host itself, or one of the names and networks in `insecure`."""
    host = host_of(domain)
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(
        entry in {domain, host} or (address is not None and _within(address, entry))
        for entry in insecure
    )


def host_of(domain: str) -> str:
    """A domain without its port."""
    if domain.startswith("["):
        return domain[1:].partition("]")[0]
    return domain.partition(":")[0]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
