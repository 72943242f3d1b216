"""At the start: what the gone left behind goes, what the living lack comes back."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING

from boxship.network import host as hosts
from boxship.network.operations import SandboxHandle, carry_on

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from boxship.network.host import Host
    from boxship.network.plan import Planner
    from boxship.network.values import Endpoint, Network, Sandbox

log = logging.getLogger(__name__)

LINK = re.compile(r"veth[0-9a-f]{7}")


def is_live(container_id: str, sandbox: Sandbox | None, live: Collection[str]) -> bool:
    """Whether `live` (ids of containers or of sandboxes, long or short) names it."""
    names = {container_id}
    if sandbox is not None:
        names |= {sandbox.id, sandbox.id[:12]}
    return not names.isdisjoint(live)


def remove_stray_namespaces(netns: str, keep: set[str]) -> None:
    """Namespaces that no row speaks of; `keep` are the short ids of sandboxes."""
    for name in os.listdir(netns):
        if name not in keep:
            log.info("drop orphaned namespace %s", name)
            hosts.drop_namespace(f"{netns}/{name}")


def remove_stray_ports(
    host: Host, networks: Iterable[Network], endpoints: Iterable[Endpoint]
) -> None:
    """Links that are named as ours and are ports of bridges of ours, but no endpoint's."""
    known = {endpoint.link for endpoint in endpoints}
    links = host.links.all()
    bridges = {network.bridge for network in networks if network.ours}
    masters = {link.index for link in links if link.name in bridges}
    for link in links:
        if link.master in masters and LINK.fullmatch(link.name) and link.name not in known:
            log.info("delete orphaned link %s", link.name)
            host.links.delete(link.index)


def repair(
    host: Host, planner: Planner, network: Network, endpoint: Endpoint, sandbox: Sandbox
) -> None:
    """Give a living container back the link to its bridge, if it lost it."""
    path = planner.path(sandbox)
    if not hosts.is_namespace(path):
        log.error("%s: its namespace %s is gone, restart it", endpoint.name, path)
        return
    link = host.links.find(endpoint.link)
    bridge = host.links.find(network.bridge)
    if link is None:
        handle = SandboxHandle(path)
        carry_on(planner.reconnect(network, endpoint, handle))
        handle.close()
    elif bridge is not None and (link.master != bridge.index or not link.up):
        log.info("put %s back on %s", link.name, bridge.name)
        host.links.enslave(link.index, bridge.index)
        host.links.up(link.index)
