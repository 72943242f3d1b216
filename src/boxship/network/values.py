"""The words of this folder as values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

# Docker's default-address-pools: (pool, length of the prefix of each network in it).
DEFAULT_POOLS = (
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
)
DEFAULT_MTU = 1500
ANY_IPV4 = "0.0.0.0"
ANY_IPV6 = "::"
NO_BRIDGE = "none"


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """What the daemon's flags say about networks; the names are dockerd's."""

    instance: str = "boxship"
    bridge: str = "boxship0"  # NO_BRIDGE: no default bridge network
    bip: str = ""  # "172.30.0.1/16": address of the bridge, and with it the subnet
    mtu: int = 0
    pools: tuple[tuple[str, int], ...] = DEFAULT_POOLS
    icc: bool = True
    ip_masq: bool = True
    ip_forward: bool = True
    ip: str = ""  # default host address of published ports; '' is every IPv4 and IPv6 address


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A container port to publish: on one host port, on one of a range, or (0) on any free one."""

    container_port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: int = 0
    host_port_end: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """A binding that got its host port."""

    container_port: int
    protocol: str
    host_ip: str
    host_port: int

    def describe(self) -> str:
        """As people write it."""
        host = f"[{self.host_ip}]" if ":" in self.host_ip else self.host_ip
        return f"{host}:{self.host_port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """Attach a container to a network, in a new sandbox."""

    container_id: str
    name: str
    network: str = "bridge"
    ports: tuple[PortBinding, ...] | list[PortBinding] = ()
    hostname: str = ""
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a container got; addresses are '' where the network gives none."""

    sandbox_id: str  # 64 hex digits, '' if there is no sandbox (host)
    sandbox_path: str  # the namespace's file, '' if there is no sandbox
    network_id: str
    network_name: str
    endpoint_id: str
    mac: str = ""
    ip: str = ""
    prefix_len: int = 0
    gateway: str = ""
    ports: dict[str, list[dict[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """A network as it is stored and inspected."""

    id: str
    name: str
    driver: str  # bridge, host, null
    created: str  # RFC 3339
    bridge: str = ""  # name of the link
    ours: bool = False  # the link was made by us, so we may take it away
    subnet: str = ""
    gateway: str = ""
    mtu: int = DEFAULT_MTU
    icc: bool = True
    masquerade: bool = True
    internal: bool = False
    scope: str = "local"
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    containers: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ipam(self) -> dict[str, Any]:
        """Docker's IPAM object of `network inspect`."""
        config = [{"Subnet": self.subnet, "Gateway": self.gateway}] if self.subnet else None
        return {"Driver": "default", "Options": None, "Config": config}

    @property
    def interface(self) -> IPv4Interface:
        """The address of the bridge with its prefix."""
        return self.interface_of(self.gateway)

    def interface_of(self, ip: str) -> IPv4Interface:
        """An address of this network with its prefix."""
        return IPv4Interface(f"{ip}/{IPv4Network(self.subnet).prefixlen}")

    def with_address(self, interface: IPv4Interface) -> Network:
        """The same network with this address of its bridge."""
        return replace(self, subnet=str(interface.network), gateway=str(interface.ip))


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The network namespace of a container."""

    id: str
    container_id: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One container on one network."""

    id: str
    network_id: str
    container_id: str
    name: str  # of the container
    link: str = ""  # the host's end of the veth pair
    mac: str = ""
    ip: str = ""
    ports: tuple[Published, ...] = ()


def port_map(ports: tuple[Published, ...]) -> dict[str, list[dict[str, str]]]:
    """Docker's NetworkSettings.Ports of what is published."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        entry = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(entry)
    return found
