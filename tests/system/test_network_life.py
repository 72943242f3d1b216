"""Start, stop, kill -9, restart: nothing is lost, doubled or left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from boxship.model.errors import BoxshipError, Conflict, NotFound
from boxship.network.core import Core
from boxship.network.ports import PortTaken
from boxship.network.values import PortBinding
from suites.network_world import Server, World, ask, container, request, run, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxship.network.values import NetworkConfig

pytestmark = pytest.mark.root


@pytest.fixture
def place() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def settings(place: World) -> NetworkConfig:
    return place.new_config()


def started(place: World, settings: NetworkConfig, live: tuple[str, ...] = ()) -> Core:
    core = Core(place.root / "data", place.root / "exec", settings)
    core.start(live)
    return core


def finish(core: Core) -> None:
    for endpoint in core.catalogue.endpoints():
        core.detach(endpoint.container_id)
    core.stop(remove=True)


def namespaces_in(place: World) -> list[str]:
    return os.listdir(place.root / "exec" / "netns")


def test_the_networks_that_docker_has(place: World, settings: NetworkConfig) -> None:
    core = started(place, settings)
    first = {network.name: network for network in core.catalogue.networks()}
    assert {name: each.driver for name, each in first.items()} == {
        "bridge": "bridge",
        "host": "host",
        "none": "null",
    }
    assert first["bridge"].options == {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        "com.docker.network.bridge.name": settings.bridge,
        "com.docker.network.driver.mtu": "1500",
    }
    core.stop()
    core = started(place, settings)
    again = {network.name: network for network in core.catalogue.networks()}
    assert again == first  # ids, subnet and all
    assert core.catalogue.network(first["host"].id[:12]).name == "host"
    with pytest.raises(NotFound, match="network nowhere not found"):
        core.catalogue.network("nowhere")
    finish(core)


def test_addresses_are_given_lowest_first_and_ports_in_order(
    place: World, settings: NetworkConfig
) -> None:
    core = started(place, settings)
    ips = [core.attach(request(number)).ip for number in range(4)]
    assert [ip.rsplit(".", 1)[1] for ip in ips] == ["2", "3", "4", "5"]
    core.detach(container(1))
    assert core.attach(request(9)).ip == ips[1]
    once = core.attach(request(0, PortBinding(80), PortBinding(81)))  # a second time: anew
    assert once.ip == ips[0]
    ports = [int(once.ports[name][0]["HostPort"]) for name in ("80/tcp", "81/tcp")]
    assert ports[0] < ports[1]
    finish(core)


def test_a_port_of_another_container_is_refused_before_anything_changes(
    place: World, settings: NetworkConfig
) -> None:
    core = started(place, settings)
    holder = core.attach(request(1, PortBinding(80)))
    port = int(holder.ports["80/tcp"][0]["HostPort"])
    for address in ("", "127.0.0.1"):
        with pytest.raises(PortTaken) as refused:
            core.attach(request(2, PortBinding(90), PortBinding(80, "tcp", address, port)))
        assert refused.value.message.startswith(
            "driver failed programming external connectivity on endpoint web2 ("
        )
        assert refused.value.message.endswith(
            f"): Bind for 0.0.0.0:{port} failed: port is already allocated"
        )
        assert "web1" in refused.value.hint
    assert core.attach(request(3, PortBinding(80, "udp", "", port))).ports  # another protocol
    chosen = core.attach(request(4, PortBinding(80, "tcp", "", port, port + 50)))
    assert int(chosen.ports["80/tcp"][0]["HostPort"]) > port  # the first of the range is taken
    assert len(namespaces_in(place)) == 3
    assert core.attach(request(2)).ip.endswith(".5")  # nothing was lost by the refusals
    finish(core)


def test_a_port_of_another_program_is_refused_in_docker_words(
    place: World, settings: NetworkConfig
) -> None:
    core = started(place, settings)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match="address already in use") as refused:
            core.attach(request(1, PortBinding(80, host_port=port)))
        assert f"failed to bind host port for 0.0.0.0:{port}:" in refused.value.message
    with pytest.raises(BoxshipError, match="cannot assign requested address"):
        core.attach(request(1, PortBinding(80, host_ip="192.0.2.254", host_port=port)))
    assert namespaces_in(place) == []
    finish(core)


def test_a_hundred_published_ports_and_no_trace_of_them(
    place: World, settings: NetworkConfig
) -> None:
    core = started(place, settings)
    for number in range(50):
        core.attach(request(number, PortBinding(80), PortBinding(81, "udp")))
    assert len({endpoint.ip for endpoint in core.catalogue.endpoints()}) == 50
    assert len(place.ports_of(settings.bridge)) == 50
    for number in range(50):
        core.detach(container(number))
        core.detach(container(number))  # again is fine
    assert "elements = { tcp" not in run(f"nft list table ip {settings.instance}")
    place.await_ports(settings.bridge, 0)
    assert namespaces_in(place) == []
    finish(core)


def test_a_restart_takes_up_living_containers_and_clears_the_gone(
    place: World, settings: NetworkConfig
) -> None:
    core = started(place, settings)
    lives = core.attach(request(1, PortBinding(8080)))
    core.attach(request(2, PortBinding(8080)))
    core.stop()

    run(f"nft delete table ip {settings.instance}")
    run(f"ip link set {place.ports_of(settings.bridge)[0]} nomaster")
    core = started(place, settings, (lives.sandbox_id,))
    assert core.attachment(container(1)) == lives
    with pytest.raises(NotFound):
        core.attachment(container(2))
    assert namespaces_in(place) == [lives.sandbox_id[:12]]
    place.await_ports(settings.bridge, 1)
    _answers(place, lives.sandbox_path, int(lives.ports["8080/tcp"][0]["HostPort"]))
    with pytest.raises(PortTaken):  # bound again
        core.attach(
            request(3, PortBinding(1, host_port=int(lives.ports["8080/tcp"][0]["HostPort"])))
        )
    core.stop()

    run(f"ip link del {settings.bridge}")
    run(f"ip link del {core.catalogue.endpoints()[0].link}")
    core = started(place, settings, (container(1),))
    _answers(place, lives.sandbox_path, int(lives.ports["8080/tcp"][0]["HostPort"]))
    finish(core)


def _answers(place: World, sandbox: str, port: int) -> None:
    server = Server(sandbox, 8080)
    try:
        assert ask(place.outside, place.host_ip, port).endswith("hello")
    finally:
        server.close()


def test_kill_9_before_any_change_leaves_nothing_after_the_next_start(
    place: World, settings: NetworkConfig
) -> None:
    argv = [sys.executable, "-m", "suites.network_chaos", str(place.root), settings.instance]
    tests = Path(__file__).parent.parent
    done = subprocess.run(argv, cwd=tests, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


def test_frames_pass_from_the_moment_of_attachment(place: World, settings: NetworkConfig) -> None:
    """Else one first packet in forty is lost, and is sent again a second later."""
    core = started(place, settings)
    for number in range(60):
        core.attach(request(number))
        link = core.catalogue.endpoints_of(container(number))[0].link
        state = Path(f"/sys/class/net/{link}/brport/state").read_text(encoding="ascii")
        assert state == "3\n"
        core.detach(container(number))
    finish(core)


def test_a_link_goes_even_if_somebody_holds_the_namespace(
    place: World, settings: NetworkConfig
) -> None:
    core = started(place, settings)
    web = core.attach(request(1))
    with open(web.sandbox_path, "rb"):
        core.detach(container(1))
        assert len(place.ports_of(settings.bridge)) == 1
        core.sweep()
        assert place.ports_of(settings.bridge) == []
    finish(core)


def test_instances_that_start_at_once_choose_different_subnets(place: World) -> None:
    cores = [
        Core(place.root / f"data{number}", place.root / f"exec{number}", place.new_config())
        for number in range(6)
    ]
    with ThreadPoolExecutor(len(cores)) as pool:
        list(pool.map(lambda core: core.start(()), cores))
    subnets = {core.catalogue.network("bridge").subnet for core in cores}
    for core in cores:
        finish(core)
    assert len(subnets) == len(cores)


def test_bip_decides_the_address_and_a_bridge_of_the_administrator_stays(place: World) -> None:
    settings = place.new_config(bip="10.213.7.1/24", mtu=1400)
    run(f"ip link add {settings.bridge} type bridge")
    core = started(place, settings)
    web = core.attach(request(1))
    assert (web.ip, web.prefix_len, web.gateway) == ("10.213.7.2", 24, "10.213.7.1")
    finish(core)
    assert f"{settings.bridge}:" in run("ip -o link show")
    run(f"ip link del {settings.bridge}")


def test_a_failed_step_is_undone_with_all_before_it(place: World, settings: NetworkConfig) -> None:
    core = started(place, settings)
    run(f"ip link set {settings.bridge} down")
    run(f"ip link del {settings.bridge}")
    with pytest.raises(BoxshipError, match=f"link {settings.bridge} is gone"):
        core.attach(request(1, PortBinding(80)))
    assert namespaces_in(place) == []
    assert core.catalogue.endpoints() == []
    core.stop()
    core = started(place, replace(settings))
    assert core.attach(request(1)).ip.endswith(".2")
    finish(core)


def test_conflict_is_a_kind_of_its_own() -> None:
    assert not issubclass(PortTaken, Conflict)  # Docker answers 500, not 409
