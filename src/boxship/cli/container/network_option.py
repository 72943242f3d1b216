"""--network NAME, or --network name=NAME,alias=...,ip=... and the endpoints they ask for."""

from boxship.cli import kinds
from boxship.cli.csv import fields
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values


# What --network "" asks for.
UNNAMED = " "


class Attachment:
    """One network to connect to, as it was asked for."""

    __slots__ = (
        "aliases",
        "driver_options",
        "ip",
        "ip6",
        "link_local",
        "links",
        "mac",
        "name",
        "priority",
    )

    def __init__(self, name: str) -> None:
        """A connection with nothing special."""
        self.name = name
        self.aliases: list[str] = []
        self.links: list[str] = []
        self.driver_options: dict[str, str] = {}
        self.ip = self.ip6 = self.mac = ""
        self.link_local: list[str] = []
        self.priority = 0

    def endpoint(self) -> "Json":
        """The endpoint's settings, as the API takes them."""
        addresses: Json = {}
        if self.ip:
            addresses["IPv4Address"] = self.ip
        if self.ip6:
            addresses["IPv6Address"] = self.ip6
        if self.link_local:
            addresses["LinkLocalIPs"] = self.link_local
        return {
            "IPAMConfig": addresses or None,
            "Links": self.links or None,
            "Aliases": self.aliases or None,
            "MacAddress": self.mac,
            "DriverOpts": self.driver_options or None,
            "GwPriority": self.priority,
            "NetworkID": "",
            "EndpointID": "",
            "Gateway": "",
            "IPAddress": "",
            "IPPrefixLen": 0,
            "IPv6Gateway": "",
            "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0,
            "DNSNames": None,
        }


def network(text: str) -> Attachment:
    """The value of one --network."""
    if "=" not in text:
        return Attachment(text or UNNAMED)
    found = Attachment("")
    for field in fields(text):
        _field(found, field)
    return found


def _field(found: Attachment, field: str) -> None:
    name, separator, value = field.partition("=")
    name, value = name.strip().lower(), value.strip()
    if not separator or not name:
        raise ValueError(f"invalid key value pair: {field}")
    if name == "alias":
        found.aliases.append(value)
    elif name == "driver-opt":
        option, given, text = value.partition("=")
        if not given:
            raise ValueError("invalid key value pair format in driver options")
        found.driver_options[option.strip().lower()] = text.strip().lower()
    elif name == "link-local-ip":
        found.link_local.append(value)
    elif name == "gw-priority":
        found.priority = kinds.integer(value)
    elif name in _TEXTS:
        setattr(found, _TEXTS[name], value)
    else:
        raise ValueError(f"invalid field key {name}")


_TEXTS = {"name": "name", "ip": "ip", "ip6": "ip6", "mac-address": "mac"}

NETWORK = kinds.list_of(network, "network")
# Modes that are no networks of their own.
MODES = ("default", "bridge", "host", "none")


def is_user_defined(mode: str) -> bool:
    """Whether the mode names a network that a user made."""
    return mode not in MODES and not mode.startswith("container:")


def endpoints(flags: "Values") -> "tuple[str, dict[str, Json]]":
    """The network mode, and the endpoints by network."""
    given: list[Attachment] = flags["network"] + flags["net"]
    wanted = given or [Attachment("default")]
    for attachment in wanted:
        _check(attachment)
    if len({is_user_defined(attachment.name) for attachment in wanted}) > 1:
        raise Failure(
            "conflicting options: cannot attach both user-defined and non-user-defined "
            "network-modes"
        )
    _merge(wanted[0], flags)
    found: dict[str, Json] = {}
    for attachment in wanted:
        if attachment.name in found:
            raise Failure(f'network "{attachment.name}" is specified multiple times')
        found[attachment.name] = attachment.endpoint()
    if len(given) == 1 and found[given[0].name] == Attachment("").endpoint():
        # A plain --network: the engine makes the endpoint.
        found = {}
    return wanted[0].name, found


def _check(attachment: Attachment) -> None:
    if attachment.name == UNNAMED:
        raise Failure("no name set for network")
    if attachment.mac and not is_mac(attachment.mac):
        raise Failure(f"{attachment.mac} is not a valid mac address")


def _merge(first: Attachment, flags: "Values") -> None:
    """The flags that speak of the first network."""
    aliases = flags["network-alias"] + flags["net-alias"]
    for given, has, flag in (
        (aliases, first.aliases, "network-alias"),
        (flags["link"], first.links, "link"),
        (flags["ip"], first.ip, "ip"),
        (flags["ip6"], first.ip6, "ip6"),
        (flags["mac-address"], first.mac, "mac-address"),
        (flags["link-local-ip"], first.link_local, "link-local-ip"),
    ):
        if given and has:
            raise Failure(
                f"conflicting options: cannot specify both --{flag} and per-network "
                f"{_FIELD_WORDS.get(flag, flag)}"
            )
    user_defined = is_user_defined(first.name)
    if aliases:
        first.aliases = aliases
    if first.aliases and not user_defined:
        raise Failure("network-scoped aliases are only supported for user-defined networks")
    if flags["link"] and user_defined:
        first.links = list(flags["link"])
    first.ip = flags["ip"] or first.ip
    first.ip6 = flags["ip6"] or first.ip6
    first.mac = flags["mac-address"] or first.mac
    first.link_local = flags["link-local-ip"] or first.link_local


_FIELD_WORDS = {"network-alias": "alias", "ip": "IPv4 address", "ip6": "IPv6 address"}


def is_mac(text: str) -> bool:
    """Whether the text is a hardware address of six or eight bytes."""
    parts = text.replace("-", ":").split(":")
    return len(parts) in {6, 8} and all(
        len(part) == 2 and not part.lower().strip("0123456789abcdef") for part in parts
    )
