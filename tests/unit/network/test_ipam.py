from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.model.errors import Conflict, Invalid, Unavailable
from boxship.network.ipam import Pool, choose_subnet, first_interface, mac_of
from boxship.network.values import DEFAULT_POOLS

GATEWAY = IPv4Address("172.17.0.1")


def pool(subnet: str = "172.17.0.0/16", *taken: str) -> Pool:
    return Pool(IPv4Network(subnet), [IPv4Address(address) for address in taken])


def test_the_lowest_free_address_comes_first_as_in_docker() -> None:
    addresses = pool("172.17.0.0/16", "172.17.0.1")
    given_out = [str(addresses.take()) for _ in range(3)]
    assert given_out == ["172.17.0.2", "172.17.0.3", "172.17.0.4"]
    addresses.release(IPv4Address("172.17.0.3"))
    assert [str(addresses.take()) for _ in range(2)] == ["172.17.0.3", "172.17.0.5"]


def test_a_full_subnet_says_so() -> None:
    addresses = pool("10.0.0.0/30", "10.0.0.1")
    assert str(addresses.take()) == "10.0.0.2"
    with pytest.raises(Unavailable, match="no available IPv4 addresses"):
        addresses.take()


def test_an_address_that_is_asked_for_must_be_free_and_inside() -> None:
    addresses = pool("10.0.0.0/24", "10.0.0.1")
    addresses.take_this(IPv4Address("10.0.0.2"))
    assert str(addresses.take()) == "10.0.0.3"
    with pytest.raises(Conflict, match="Address already in use"):
        addresses.take_this(IPv4Address("10.0.0.1"))
    for wrong in ("10.0.1.1", "10.0.0.0", "10.0.0.255"):
        with pytest.raises(Invalid, match="does not belong"):
            addresses.take_this(IPv4Address(wrong))


def test_the_smallest_subnets_have_no_broadcast() -> None:
    assert [str(pool("10.0.0.8/31").take()), str(pool("10.0.0.9/32").take())] == [
        "10.0.0.8",
        "10.0.0.9",
    ]


@given(st.lists(st.one_of(st.none(), st.integers(min_value=0, max_value=13)), max_size=60))
def test_no_address_is_ever_given_twice(steps: list[int | None]) -> None:
    addresses = pool("10.0.0.0/28", "10.0.0.1")
    held: set[IPv4Address] = set()
    for step in steps:
        if step is not None:
            address = IPv4Address(f"10.0.0.{step + 2}")
            if address in held:
                held.remove(address)
                addresses.release(address)
        elif len(held) < 13:
            address = addresses.take()
            assert address not in held | {IPv4Address("10.0.0.1")}
            held.add(address)


def test_a_subnet_avoids_what_the_host_reaches() -> None:
    everything = [IPv4Network("0.0.0.0/0")]
    assert str(choose_subnet(DEFAULT_POOLS, everything)) == "172.17.0.0/16"
    taken = [IPv4Network("172.17.3.0/24"), IPv4Network("172.18.0.1/32")]
    assert str(choose_subnet(DEFAULT_POOLS, taken)) == "172.19.0.0/16"
    assert str(choose_subnet(DEFAULT_POOLS, [IPv4Network("172.16.0.0/12")])) == "192.168.0.0/20"
    with pytest.raises(Unavailable, match="all predefined address pools"):
        choose_subnet([("10.0.0.0/24", 24)], [IPv4Network("10.0.0.0/8")])


def test_gateway_and_mac() -> None:
    assert str(first_interface(IPv4Network("172.17.0.0/16"))) == "172.17.0.1/16"
    assert mac_of(IPv4Address("172.17.0.2")) == "02:42:ac:11:00:02"
