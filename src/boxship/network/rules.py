"""The rules of nftables that an instance needs.  Pure: texts and values for libnftables.

What a packet meets, in order; a bridge stands for a network, an element for a published port:

    raw      from a bridge, to or from 127/8       dropped: route_localnet opens nothing
    nat      to an address of the host, published   to the container (from outside, a container)
    output   the same for the host's own programs, 127.0.0.1 included
    forward  to a bridge: answers, published ports, the same bridge; all else is dropped:
             other networks, and a container's own address as seen from outside
    nat      from a bridge to elsewhere              masqueraded as the host
             from a subnet back to its own bridge    the same (hairpin), so that answers return
             from 127/8 into a bridge                masqueraded as the gateway

Every rule names a bridge: where that is gone, the table says nothing about anybody else's packets.
Matching the incoming link in postrouting needs Linux 5.7.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from boxship.network.values import ANY_IPV4

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from boxship.network.values import Endpoint, Network, Published

FAMILY = "ip"
ANYWHERE = "published"
AT_ADDRESS = "published_at"

_FRAME = """\
add table ip {table}
delete table ip {table}
table ip {table} {{
  set bridges {{ type ifname; {bridges} }}
  map published {{ type inet_proto . inet_service : ipv4_addr . inet_service; {published} }}
  map published_at {{
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; {published_at}
  }}
{networks}
  map to_bridge {{ type ifname : verdict; {to} }}
  map from_bridge {{ type ifname : verdict; {leaving} }}
  map beyond_bridge {{ type ifname : verdict; {beyond} }}
  map back_to_bridge {{ type ifname : verdict; {back} }}
  chain raw {{
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 127.0.0.0/8 return
    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published_at
    fib daddr type local dnat ip to meta l4proto . th dport map @published
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published_at
    fib daddr type local dnat ip to meta l4proto . th dport map @published
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname vmap @from_bridge
    oifname vmap @to_bridge
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
    iifname vmap @beyond_bridge
    oifname vmap @back_to_bridge
  }}
}}
"""

# Order matters: answers first (most packets), then what is published, then what is not allowed.
_NETWORK = """\
  chain to-{bridge} {{
    ct state established,related accept
    {published}
    iifname "{bridge}" {same}
    drop
  }}
  chain from-{bridge} {{
    {outside}
  }}
  chain beyond-{bridge} {{
    {masquerade}
  }}
  chain back-to-{bridge} {{
    ip saddr {subnet} ct status dnat masquerade
  }}"""


def table(name: str, networks: Iterable[Network], endpoints: Iterable[Endpoint]) -> str:
    """The whole table as one transaction: the old one goes in the moment this one comes."""
    bridged = [network for network in networks if network.bridge]
    here: dict[str, list[str]] = {ANYWHERE: [], AT_ADDRESS: []}
    for endpoint in endpoints:
        for which, key, value in _entries(endpoint):
            here[which].append(f"{_joined(key)} : {_joined(value)}")
    return _FRAME.format(
        table=name,
        bridges=_elements(f'"{network.bridge}"' for network in bridged),
        published=_elements(here[ANYWHERE]),
        published_at=_elements(here[AT_ADDRESS]),
        networks="\n".join(_chains(network) for network in bridged),
        to=_elements(f'"{one.bridge}" : jump to-{one.bridge}' for one in bridged),
        leaving=_elements(f'"{one.bridge}" : jump from-{one.bridge}' for one in bridged),
        beyond=_elements(f'"{one.bridge}" : jump beyond-{one.bridge}' for one in bridged),
        back=_elements(f'"{one.bridge}" : jump back-to-{one.bridge}' for one in bridged),
    )


def delete_table(name: str) -> str:
    """Take the table away, whether it is there or not."""
    return f"add table {FAMILY} {name}\ndelete table {FAMILY} {name}\n"


def publish(name: str, endpoint: Endpoint) -> str:
    """The elements of an endpoint's ports, to be added; '' if there are none."""
    entries = [(which, [_concat(key), _concat(value)]) for which, key, value in _entries(endpoint)]
    return _commands("add", name, entries)


def unpublish(name: str, endpoint: Endpoint) -> str:
    """The same, to be deleted."""
    entries = [(which, _concat(key)) for which, key, _value in _entries(endpoint)]
    return _commands("delete", name, entries)


def _chains(network: Network) -> str:
    outside = f'oifname != "{network.bridge}" drop' if network.internal else "return"
    masquerade = f'oifname != "{network.bridge}" masquerade' if network.masquerade else "return"
    return _NETWORK.format(
        bridge=network.bridge,
        subnet=network.subnet,
        published="" if network.internal else "ct status dnat accept",
        same="accept" if network.icc else "drop",
        outside=outside,
        masquerade=masquerade,
    )


def _elements(items: Iterable[str]) -> str:
    joined = ", ".join(items)
    return f"elements = {{ {joined} }};" if joined else ""


def _entries(endpoint: Endpoint) -> list[tuple[str, list[str | int], list[str | int]]]:
    """(map, key, value) for each port of IPv4; IPv6 is relayed by us."""
    return [_entry(endpoint.ip, port) for port in endpoint.ports if ":" not in port.host_ip]


def _entry(ip: str, port: Published) -> tuple[str, list[str | int], list[str | int]]:
    key: list[str | int] = [port.protocol, port.host_port]
    value: list[str | int] = [ip, port.container_port]
    if port.host_ip == ANY_IPV4:
        return ANYWHERE, key, value
    return AT_ADDRESS, [port.host_ip, *key], value


def _joined(parts: list[str | int]) -> str:
    return " . ".join(str(part) for part in parts)


def _concat(parts: list[str | int]) -> dict[str, list[str | int]]:
    return {"concat": parts}


def _commands(verb: str, table_name: str, entries: Sequence[tuple[str, object]]) -> str:
    if not entries:
        return ""
    commands = []
    for which in (ANYWHERE, AT_ADDRESS):
        elements = [element for name, element in entries if name == which]
        if elements:
            target = {"family": FAMILY, "table": table_name, "name": which, "elem": elements}
            commands.append({verb: {"element": target}})
    return json.dumps({"nftables": commands})
