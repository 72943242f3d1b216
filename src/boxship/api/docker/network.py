"""EndpointSettings: how a container is in a network."""

from typing import ClassVar

from boxship.api.docker.document import Document, Int64, names


class EndpointIPAM(Document):
    """The addresses that are asked for."""

    IPv4Address: str | None = None
    IPv6Address: str | None = None
    LinkLocalIPs: list[str] | None = None

    omit_empty: ClassVar[frozenset[str]] = names("IPv4Address IPv6Address LinkLocalIPs")


class EndpointSettings(Document):
    """An endpoint as asked, and as it is."""

    IPAMConfig: EndpointIPAM | None = None
    Links: list[str] | None = None
    Aliases: list[str] | None = None
    MacAddress: str | None = ""
    DriverOpts: dict[str, str | None] | None = None
    GwPriority: Int64 | None = 0
    NetworkID: str | None = ""
    EndpointID: str | None = ""
    Gateway: str | None = ""
    IPAddress: str | None = ""
    IPPrefixLen: Int64 | None = 0
    IPv6Gateway: str | None = ""
    GlobalIPv6Address: str | None = ""
    GlobalIPv6PrefixLen: Int64 | None = 0
    DNSNames: list[str] | None = None
