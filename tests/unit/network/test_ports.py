"""Ports of the loopback only: no root is needed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from boxship.model.errors import Invalid, System
from boxship.network.ports import Ports, PortTaken, with_ports
from boxship.network.values import Endpoint, PortBinding, port_map

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB = Endpoint("e" * 64, "n", "a" * 64, "web", ip="172.17.0.2")
DB = Endpoint("f" * 64, "n", "b" * 64, "db", ip="172.17.0.3")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def ports() -> Iterator[Ports]:
    first = free_port()
    made = Ports((first, first + 50), host_ip="127.0.0.1")
    yield made
    made.close()


def got(ports: Ports, endpoint: Endpoint, *bindings: PortBinding) -> list[int]:
    return [each.published.host_port for each in ports.reserve(endpoint, bindings)]


def test_ports_that_nobody_named_come_in_order(ports: Ports) -> None:
    one, two = got(ports, WEB, PortBinding(80), PortBinding(81))
    assert one < two
    ports.release(WEB.container_id)
    assert got(ports, WEB, PortBinding(80)) > [two]  # the last released is the last reused


def test_of_a_range_the_first_that_is_free(ports: Ports) -> None:
    first = free_port()
    assert got(ports, WEB, PortBinding(80, "tcp", "", first, first + 9)) == [first]
    (second,) = got(ports, DB, PortBinding(80, "tcp", "", first, first + 9))
    assert first < second <= first + 9


def test_a_conflict_names_the_owner_and_leaves_nothing(ports: Ports) -> None:
    (port,) = got(ports, WEB, PortBinding(80))
    other = free_port()
    with pytest.raises(PortTaken) as refused:
        got(ports, DB, PortBinding(1, host_port=other), PortBinding(2, host_port=port))
    assert refused.value.message == (
        "driver failed programming external connectivity on endpoint db "
        f"({DB.id}): Bind for 127.0.0.1:{port} failed: port is already allocated"
    )
    assert refused.value.hint.startswith("container web (aaaaaaaaaaaa) has it")
    assert got(ports, WEB, PortBinding(1, host_port=other))  # free again


def test_tcp_and_udp_are_apart_and_so_are_addresses(ports: Ports) -> None:
    port = free_port()
    assert got(ports, WEB, PortBinding(53, "tcp", "127.0.0.1", port)) == [port]
    assert got(ports, DB, PortBinding(53, "udp", "127.0.0.1", port)) == [port]
    assert got(ports, DB, PortBinding(54, "tcp", "127.0.0.2", port))[-1] == port


def test_what_docker_shows(ports: Ports) -> None:
    port = free_port()
    reservations = ports.reserve(WEB, [PortBinding(80, "tcp", "127.0.0.1", port)])
    assert port_map(with_ports(WEB, reservations).ports) == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
    }


def test_after_a_restart_ports_are_held_again(ports: Ports) -> None:
    endpoint = with_ports(WEB, ports.reserve(WEB, [PortBinding(80), PortBinding(81, "udp")]))
    ports.close()
    again = Ports((1, 2), host_ip="127.0.0.1")
    assert again.hold_again(endpoint) == []
    with pytest.raises(PortTaken, match="already allocated"):
        again.reserve(DB, [PortBinding(1, host_port=endpoint.ports[0].host_port)])
    again.close()
    with socket.create_server(("127.0.0.1", endpoint.ports[0].host_port)):
        (failed,) = (third := Ports((1, 2))).hold_again(endpoint)
        third.close()
    assert "in use" in str(failed)


def test_wrong_protocols_and_addresses(ports: Ports) -> None:
    with pytest.raises(Invalid, match="invalid port protocol: icmp"):
        got(ports, WEB, PortBinding(80, "icmp"))
    with pytest.raises(System, match="cannot assign requested address"):
        got(ports, WEB, PortBinding(80, "tcp", "192.0.2.77", free_port()))
