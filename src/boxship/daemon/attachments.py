"""A container's networks: what to ask of the network part, and how inspect shows the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid
from boxship.network.values import AttachRequest, PortBinding

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.network.values import Attachment

_LAST_PORT = 65535


def request(c: Container) -> AttachRequest:
    """What a start asks for."""
    mode = c.host_config["NetworkMode"]
    asked = c.networking.get(mode) or {}
    return AttachRequest(
        container_id=c.id,
        name=c.name,
        network=mode,
        ports=() if mode in ("host", "none") else tuple(ports(c.config, c.host_config)),
        hostname=c.config["Hostname"],
        mac=asked.get("MacAddress") or None,
    )


def ports(config: dict[str, Any], host_config: dict[str, Any]) -> list[PortBinding]:
    """-p and -P as bindings, in the order of their ports."""
    done = []
    asked = host_config["PortBindings"] or {}
    for port, places in asked.items():
        number, protocol = parsed(port)
        for place in places or [{}]:
            first, last = _range(place.get("HostPort") or "")
            done.append(PortBinding(number, protocol, place.get("HostIp") or "", first, last))
    if host_config["PublishAllPorts"]:
        exposed = config.get("ExposedPorts") or {}
        done += [PortBinding(*parsed(port)) for port in exposed if port not in asked]
    return sorted(done, key=lambda b: (b.container_port, b.protocol))


def parsed(port: str) -> tuple[int, str]:
    """`8080/tcp` as number and protocol."""
    number, _, protocol = port.partition("/")
    if not number.isdigit() or not 0 < int(number) <= _LAST_PORT:
        raise Invalid(f'invalid port specification: "{number}"')
    return int(number), protocol or "tcp"


def _range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not text:
        return 0, 0
    numbers = (first, last) if dash else (first, first)
    if not all(n.isdigit() and int(n) <= _LAST_PORT for n in numbers):
        raise Invalid(f'invalid port specification: "{text}"')
    return int(numbers[0]), int(numbers[1])


def settings(c: Container, attached: Attachment) -> dict[str, Any]:
    """NetworkSettings as inspect has them."""
    asked = c.networking.get(attached.network_name) or {}
    published: dict[str, Any] = dict.fromkeys(sorted(c.config.get("ExposedPorts") or {}))
    if c.host_config["NetworkMode"] in ("host", "none"):
        published = {}
    return {
        "SandboxID": attached.sandbox_id,
        "SandboxKey": attached.sandbox_path,
        "Ports": {**published, **attached.ports},
        "Networks": {
            attached.network_name: {
                **asked,
                "MacAddress": attached.mac,
                "NetworkID": attached.network_id,
                "EndpointID": attached.endpoint_id,
                "Gateway": attached.gateway,
                "IPAddress": attached.ip,
                "IPPrefixLen": attached.prefix_len,
            }
        },
    }


def ended(settings_before: dict[str, Any]) -> dict[str, Any]:
    """The same of a container that does not run: networks stay, addresses do not."""
    gone = dict.fromkeys(("MacAddress", "EndpointID", "Gateway", "IPAddress"), "")
    networks = {
        name: {**endpoint, **gone, "IPPrefixLen": 0}
        for name, endpoint in (settings_before.get("Networks") or {}).items()
    }
    return {"Networks": networks} if networks else {}
