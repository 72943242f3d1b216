from __future__ import annotations

import socket

import pytest

from boxship.kernel.links import Links
from boxship.kernel.netlink import attribute, nested, parse, text, u32


def test_attributes_are_padded_and_read_back() -> None:
    data = text(3, "lo") + u32(4, 1500)
    assert data[:8] == b"\x07\x00\x03\x00lo\x00\x00"
    assert parse(data) == {3: b"lo\0", 4: (1500).to_bytes(4, "little")}
    assert parse(parse(nested(18, attribute(1, b"veth")))[18]) == {1: b"veth"}
    assert parse(b"\x01\x00\x01\x00") == {}  # a length that cannot be ends it


def test_reading_links_needs_no_root() -> None:
    links = Links()
    try:
        loopback = links.find("lo")
        assert loopback is not None
        assert (loopback.index, loopback.name, loopback.mac) == (1, "lo", "00:00:00:00:00:00")
        assert links.find("none-such") is None
        assert {link.name for link in links.all()} == {name for _, name in socket.if_nameindex()}
        assert "127.0.0.1" in {each.address for each in links.addresses()}
        assert all(prefix > 0 for _, prefix in links.routes())
    finally:
        links.close()


def test_an_error_says_what_was_tried() -> None:
    links = Links()
    try:
        with pytest.raises(OSError, match="netlink: set link 999999 up: "):
            links.up(999999)
    finally:
        links.close()
