"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a container: made here, bound over its own."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HOSTS_HEAD = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)
HOST_GATEWAY = "host-gateway"
FALLBACK_DNS = ("8.8.8.8", "8.8.4.4")


@dataclass(frozen=True, slots=True)
class Dns:
    """What is asked for; an empty list means: as the host has it."""

    servers: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)


def hosts(head: str, addresses: list[tuple[str, str]]) -> str:
    """`head`, then a line for each address and its names."""
    return head + "".join(f"{address}\t{names}\n" for address, names in addresses)


def extra_hosts(asked: Iterable[str] | None, gateway: str) -> list[tuple[str, str]]:
    """--add-host name:address, the address perhaps `host-gateway`."""
    done = []
    for entry in asked or ():
        name, _, address = entry.partition(":")
        done.append((gateway if address == HOST_GATEWAY else address.strip("[]"), name))
    return [(address, name) for address, name in done if address]


def resolv_conf(host: str, asked: Dns, *, private: bool) -> str:
    """A resolv.conf; a `private` network does not reach the host's loopback servers."""
    found = _parsed(host)
    servers = list(asked.servers) or [s for s in found.servers if not (private and _is_loopback(s))]
    search = list(asked.search) or found.search
    options = list(asked.options) or found.options
    lines = [f"nameserver {s}" for s in servers or FALLBACK_DNS]
    if search and search != ["."]:
        lines.append(f"search {' '.join(search)}")
    if options:
        lines.append(f"options {' '.join(options)}")
    return "\n".join(["# Made by Boxship.  This file can be edited.", *lines, ""])


def _parsed(text: str) -> Dns:
    done = Dns()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            done.servers.append(words[1])
        elif words[0] == "search":
            done.search[:] = words[1:]
        elif words[0] == "options":
            done.options.extend(words[1:])
    return done


def _is_loopback(server: str) -> bool:
    try:
        return ipaddress.ip_address(server.partition("%")[0]).is_loopback
    except ValueError:
        return False


def dns(host_config: dict[str, Any], defaults: Dns) -> Dns:
    """--dns and its like, else the daemon's."""
    return Dns(
        host_config.get("Dns") or defaults.servers,
        host_config.get("DnsSearch") or defaults.search,
        host_config.get("DnsOptions") or defaults.options,
    )


def write(path: str, text: str) -> None:
    """Write in place: a running container has the file bound, so it must stay the same file."""
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o644)


def read(path: str) -> str:
    """A file of the host, or ''."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
