"""Published ports in one line: neighbours in a row become a range."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.api.docker.http import Json


def displayed(ports: "Iterable[Json]") -> str:
    """The PORTS column of `ps`."""
    ranges: dict[str, list[int]] = {}
    lines: list[str] = []
    mapped: list[str] = []
    for port in sorted(ports, key=_order):
        inside, kind, address = port["PrivatePort"], port["Type"], port.get("IP", "")
        if address and port.get("PublicPort", 0) != inside:
            mapped.append(f"{_joined(address, port.get('PublicPort', 0))}->{inside}/{kind}")
            continue
        key = f"{address}/{kind}" if address else kind
        if key in ranges and inside == ranges[key][1] + 1:
            ranges[key][1] = inside
            continue
        if key in ranges:
            lines.append(_range(key, *ranges[key]))
        ranges[key] = [inside, inside]
    lines += [_range(key, *ends) for key, ends in ranges.items()]
    return ", ".join(lines + mapped)


def _order(port: "Json") -> tuple[int, str, int, str]:
    return port["PrivatePort"], port.get("IP", ""), port.get("PublicPort", 0), port["Type"]


def _joined(address: str, port: object) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _range(key: str, first: int, last: int) -> str:
    address, _, kind = key.rpartition("/")
    span = str(first) if first == last else f"{first}-{last}"
    return f"{_joined(address, span)}->{span}/{kind}" if address else f"{span}/{kind}"
