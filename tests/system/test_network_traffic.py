"""Real traffic: who reaches a published port, from where, and who must not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from boxship.network.networks import Networks
from boxship.network.values import PortBinding
from suites.network_world import (
    SILENCE_S,
    Server,
    World,
    ask,
    container,
    inside,
    request,
    run,
    world,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from boxship.network.values import Attachment

pytestmark = pytest.mark.root


@pytest.fixture
def place() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
async def networks(place: World) -> AsyncIterator[Networks]:
    made = Networks(place.root / "data", place.root / "exec", place.new_config())
    await made.start(())
    yield made
    for endpoint in made.get("bridge").containers:
        await made.detach(endpoint)
    await made.stop(remove=True)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    with contextlib.ExitStack() as stack:

        def start(where: Attachment | str, port: int = 8080, **options: str) -> Server:
            path = where if isinstance(where, str) else where.sandbox_path
            server = Server(path, port, **options)
            stack.callback(server.close)
            return server

        yield start


def port_of(attachment: Attachment, name: str = "8080/tcp") -> int:
    return int(attachment.ports[name][0]["HostPort"])


BOTH = (PortBinding(8080, "tcp"), PortBinding(8080, "udp"))


async def asked(networks: Networks, *where: object, **how: object) -> str:
    """`ask` beside the event loop, which may have to relay."""
    import asyncio

    return await asyncio.to_thread(ask, *where, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_a_published_port_is_reached_from_everywhere(
    place: World, networks: Networks, serve: Callable[..., Server], protocol: str
) -> None:
    web = await networks.attach(request(1, *BOTH))
    other = await networks.attach(request(2))
    serve(web)
    port = port_of(web, f"8080/{protocol}")

    from_outside = await asked(networks, place.outside, place.host_ip, port, protocol=protocol)
    assert from_outside == f"server saw {place.outside_ip}: hello"  # the client's own address
    for path, address in (
        ("", "127.0.0.1"),
        ("", place.host_ip),
        ("", web.gateway),
        ("", "::1"),
        (other.sandbox_path, web.gateway),
        (other.sandbox_path, place.host_ip),
        (web.sandbox_path, web.gateway),  # hairpin
        (web.sandbox_path, place.host_ip),
    ):
        answer = await asked(networks, path, address, port, protocol=protocol)
        assert answer.endswith(": hello"), (path, address)


async def test_a_container_reaches_outside_as_the_host(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    web = await networks.attach(request(1))
    serve(place.outside, 7000)
    for protocol in ("tcp", "udp"):
        answer = await asked(networks, web.sandbox_path, place.outside_ip, 7000, protocol=protocol)
        assert answer == f"server saw {place.host_ip}: hello"


async def test_containers_of_a_bridge_reach_each_other_and_the_host_them(
    networks: Networks, serve: Callable[..., Server]
) -> None:
    web, other = await networks.attach(request(1)), await networks.attach(request(2))
    serve(web)
    assert ask(other.sandbox_path, web.ip, 8080) == f"server saw {other.ip}: hello"
    assert ask("", web.ip, 8080) == f"server saw {web.gateway}: hello"


async def test_a_container_is_not_reached_from_outside_by_its_own_address(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    web = await networks.attach(request(1, PortBinding(8080)))
    serve(web)
    serve(web, 9090)
    for port in (8080, 9090):  # the published port either: Docker 28
        assert ask(place.outside, web.ip, port, patience=SILENCE_S) == ""


async def test_a_port_published_on_loopback_stays_on_the_host(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    web = await networks.attach(request(1, PortBinding(8080, host_ip="127.0.0.1")))
    serve(web)
    port = port_of(web)
    assert web.ports == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    assert ask("", "127.0.0.1", port).endswith("hello")
    assert ask(place.outside, place.host_ip, port, patience=SILENCE_S) == ""
    _send_127_out(place.name, "up0", place.host_ip)
    assert ask(place.outside, "127.0.0.1", port, patience=SILENCE_S) == ""


async def test_route_localnet_opens_nothing_of_the_host_to_a_container(
    networks: Networks, serve: Callable[..., Server]
) -> None:
    web = await networks.attach(request(1))
    serve("", 17003, host="127.0.0.1")
    run(f"ln -s {web.sandbox_path} /run/netns/{networks.get('bridge').bridge}")
    try:
        _send_127_out(networks.get("bridge").bridge, "eth0", web.gateway)
        assert ask(web.sandbox_path, "127.0.0.1", 17003, patience=SILENCE_S) == ""
    finally:
        run(f"rm /run/netns/{networks.get('bridge').bridge}")
    assert ask("", "127.0.0.1", 17003).endswith("hello")


def _send_127_out(netns: str, link: str, gateway: str) -> None:
    """Make a host that sends packets to 127.0.0.1 over a wire, as an attacker would."""
    run(f"ip netns exec {netns} sysctl -qw net.ipv4.conf.all.route_localnet=1")
    run(f"ip -n {netns} addr del 127.0.0.1/8 dev lo")
    run(f"ip -n {netns} route add 127.0.0.0/8 via {gateway} dev {link}")


async def test_a_large_transfer_through_a_published_port_and_through_the_relay(
    place: World, networks: Networks
) -> None:
    import asyncio

    web = await networks.attach(request(1, PortBinding(8080)))
    listener = inside(web.sandbox_path, lambda: socket.create_server(("0.0.0.0", 8080)))
    size = 8 << 20

    def receive() -> None:
        for _ in range(2):
            connection, _peer = listener.accept()
            with connection:
                got = 0
                while data := connection.recv(1 << 16):
                    got += len(data)
                connection.sendall(str(got).encode())  # after the half-close of the other side

    def send(path: str, family: int, address: str) -> str:
        with inside(path, lambda: socket.socket(family, socket.SOCK_STREAM)) as client:
            client.settimeout(20)
            client.connect((address, port_of(web)))
            client.sendall(bytes(size))
            client.shutdown(socket.SHUT_WR)
            return client.recv(64).decode()

    with listener:
        receiver = asyncio.create_task(asyncio.to_thread(receive))
        for where in (
            (place.outside, socket.AF_INET, place.host_ip),
            ("", socket.AF_INET6, "::1"),
        ):
            assert await asyncio.to_thread(send, *where) == str(size)
        await receiver


async def test_two_instances_side_by_side_do_not_reach_into_each_other(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    theirs = Networks(place.root / "data2", place.root / "exec2", place.new_config())
    await theirs.start(())
    try:
        web = await networks.attach(request(1, PortBinding(8080)))
        guest = await theirs.attach(request(2, PortBinding(8080)))
        serve(web)
        serve(guest, name="guest")
        assert networks.get("bridge").subnet != theirs.get("bridge").subnet
        assert ask(guest.sandbox_path, web.ip, 8080, patience=SILENCE_S) == ""
        assert ask(web.sandbox_path, guest.ip, 8080, patience=SILENCE_S) == ""
        assert ask(guest.sandbox_path, place.host_ip, port_of(web)).startswith("server saw")
        assert ask(place.outside, place.host_ip, port_of(guest)).startswith("guest saw")
        await theirs.detach(container(2))
    finally:
        await theirs.stop(remove=True)
    assert ask(place.outside, place.host_ip, port_of(web)).startswith("server saw")


async def test_no_other_program_takes_a_published_port(networks: Networks) -> None:
    web = await networks.attach(request(1, PortBinding(8080)))
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")):
        with pytest.raises(OSError, match="in use"):
            socket.create_server((address, port_of(web)), family=family)
    await networks.detach(container(1))
    with socket.create_server(("0.0.0.0", port_of(web))):
        pass


async def test_an_open_connection_survives_a_restart_and_a_flush_is_healed(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    web = await networks.attach(request(1, PortBinding(8080)))
    serve(web)
    with inside(place.outside, lambda: socket.socket()) as client:
        client.settimeout(5)
        client.connect((place.host_ip, port_of(web)))
        client.send(b"before")
        assert client.recv(100).endswith(b"before")
        run(f"nft delete table ip {networks.get('bridge').bridge}")
        other = await networks.attach(request(2, PortBinding(9090)))  # finds it gone, heals it
        serve(other, 9090)
        client.send(b"after")
        assert client.recv(100).endswith(b"after")
    assert ask(place.outside, place.host_ip, port_of(web)).endswith("hello")
    assert ask(place.outside, place.host_ip, port_of(other, "9090/tcp")).endswith("hello")


async def test_modes_none_and_host(networks: Networks) -> None:
    alone = await networks.attach(request(1, network="none"))
    hosted = await networks.attach(request(2, network="host"))
    links = inside(alone.sandbox_path, socket.if_nameindex)
    assert links == [(1, "lo")]
    assert (hosted.sandbox_path, hosted.ip, hosted.ports) == ("", "", {})
    assert networks.get("host").containers[container(2)]["Name"] == "web2"
    await networks.detach(container(1))
    await networks.detach(container(2))


async def test_a_udp_flow_follows_the_port_to_its_next_owner(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    """The kernel remembers flows; a client that keeps its socket must reach its owner now."""
    port = port_of(await networks.attach(request(1, PortBinding(8080, "udp"))), "8080/udp")
    serve(networks.attachment(container(1)), name="old")
    with inside(place.outside, lambda: socket.socket(type=socket.SOCK_DGRAM)) as client:
        client.settimeout(5)
        client.connect((place.host_ip, port))
        client.send(b"1")
        assert client.recv(100).startswith(b"old")
        keeper = await networks.attach(request(2))
        await networks.detach(container(1))
        await networks.detach(container(2))
        await networks.attach(request(3))  # has the old address now, and no port
        web = await networks.attach(request(4, PortBinding(8080, "udp", "", port)))
        assert web.ip == keeper.ip
        serve(web, name="new")
        client.send(b"2")
        assert client.recv(100).startswith(b"new")


async def test_while_the_rules_are_gone_the_relay_answers(
    place: World, networks: Networks, serve: Callable[..., Server]
) -> None:
    web = await networks.attach(request(1, *BOTH))
    serve(web)
    run(f"nft flush table ip {networks.get('bridge').bridge}")
    for protocol in ("tcp", "udp"):
        port = port_of(web, f"8080/{protocol}")
        answer = await asked(networks, place.outside, place.host_ip, port, protocol=protocol)
        assert answer == f"server saw {web.gateway}: hello"


async def test_a_caller_that_goes_away_leaves_no_half_attached_container(
    place: World, networks: Networks
) -> None:
    attaching = asyncio.create_task(networks.attach(request(1, PortBinding(80))))
    await asyncio.sleep(0)
    attaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attaching
    assert networks.get("bridge").containers == {}
    place.await_ports(networks.get("bridge").bridge, 0)


@pytest.mark.parametrize(
    "macs", [(None, None), ("02:00:00:00:00:77", None), (None, "02:00:00:00:00:77")]
)
async def test_an_address_is_reached_at_once_by_its_next_owner(
    networks: Networks, serve: Callable[..., Server], macs: tuple[str | None, str | None]
) -> None:
    """Even while the namespace of its last owner (here held by a server) lives on."""
    ips = set()
    for number, mac in enumerate(macs):
        web = await networks.attach(replace(request(number), mac=mac))
        assert mac in {web.mac, None}
        ips.add(web.ip)
        serve(web, name=f"server{number}")
        assert ask("", web.ip, 8080, patience=0.9).startswith(f"server{number} saw")
        await networks.detach(container(number))
    assert len(ips) == 1
