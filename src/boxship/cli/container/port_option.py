"""--publish and --expose: ports of the container, and where they are published."""

from boxship.cli.container.option_kinds import is_ip
from boxship.cli.failure import Failure
from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json

PROTOCOLS = ("tcp", "udp", "sctp")
HIGHEST = 65535


def ports(published: list[str], exposed: list[str]) -> "tuple[dict[str, Json], dict[str, Json]]":
    """ExposedPorts and PortBindings, as the API takes them."""
    open_ports: dict[str, Json] = {}
    bindings: dict[str, Json] = {}
    for text in published:
        terms = _long_form(text) if "=" in text else text
        for port, binding in bindings_of(terms):
            open_ports[port] = {}
            bindings.setdefault(port, []).append(binding)
    for text in exposed:
        for port in _exposed(text):
            open_ports.setdefault(port, {})
    return open_ports, bindings


def bindings_of(text: str) -> "list[tuple[str, Json]]":
    """[[IP:]HOST:]PORT[/PROTOCOL], where HOST and PORT may be ranges."""
    address, host, inside = _parts(text)
    inside, _, protocol = inside.partition("/")
    protocol = protocol.lower() or "tcp"
    if not inside:
        raise Failure(f"no port specified: {text}<empty>")
    if address and not is_ip(address):
        raise Failure(f"invalid IP address: {address}")
    first, last = _range(inside, "containerPort")
    if protocol not in PROTOCOLS:
        raise Failure(f"invalid proto: {protocol}")
    host_first, host_last = _range(host, "hostPort") if host else (0, 0)
    many = last - first
    if host and host_last - host_first != many and many:
        raise Failure(f"invalid ranges specified for container and host Ports: {inside} and {host}")
    return [
        (
            f"{first + step}/{protocol}",
            {"HostIp": address, "HostPort": _host_port(host, host_first, step, single=not many)},
        )
        for step in range(many + 1)
    ]


def _host_port(host: str, first: int, step: int, *, single: bool) -> str:
    if not host:
        return ""
    return host if single and "-" in host else str(first + step)


def _parts(text: str) -> tuple[str, str, str]:
    before, _, inside = text.rpartition(":")
    address, _, host = before.rpartition(":")
    return address.removeprefix("[").removesuffix("]"), host, inside


def _range(text: str, what: str) -> tuple[int, int]:
    first, separator, last = text.partition("-")
    numbers = [first, last] if separator else [first, first]
    if not all(number.isdigit() and int(number) <= HIGHEST for number in numbers):
        raise Failure(f"invalid {what}: {text}")
    low, high = int(numbers[0]), int(numbers[1])
    if high < low:
        raise Failure(f"invalid {what}: {text}")
    return low, high


def _long_form(text: str) -> str:
    """published=8080,target=80,protocol=tcp,mode=host as the short form."""
    from boxship.cli.csv import fields

    values = {"published": "", "target": "", "protocol": "tcp"}
    for field in fields(text):
        name, separator, value = field.lower().partition("=")
        if not separator:
            raise Failure(f"invalid field: {field}")
        if name not in {*values, "mode"}:
            raise Failure(f"invalid field key {name}")
        values[name] = value
    if not values["target"] or values["target"] == "0":
        raise Failure(f"missing mandatory field '{quote('target')}'".replace('"', ""))
    published = f"{values['published']}:" if values["published"] else ""
    return f"{published}{values['target']}/{values['protocol']}"


def _exposed(text: str) -> list[str]:
    if ":" in text:
        raise Failure(f"invalid port format for --expose: {text}")
    inside, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    first, separator, last = inside.partition("-")
    for number in (first, last) if separator else (first,):
        if not number.isdigit():
            raise Failure(
                f"invalid range format for --expose: {text}, error: "
                f"strconv.ParseUint: parsing {quote(number)}: invalid syntax"
            )
    if separator and int(last) < int(first):
        raise Failure(
            f"invalid range format for --expose: {text}, error: "
            f"invalid range specified for port: {inside}"
        )
    end = int(last) if separator else int(first)
    return [f"{port}/{protocol}" for port in range(int(first), end + 1)]
