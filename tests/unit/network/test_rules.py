from __future__ import annotations

import json

from boxship.network import rules
from boxship.network.values import Endpoint, Network, Published

BRIDGE = Network(
    "n1", "bridge", "bridge", "now", bridge="br0", subnet="172.17.0.0/16", gateway="172.17.0.1"
)
WEB = Endpoint(
    "e1",
    "n1",
    "c1",
    "web",
    ip="172.17.0.2",
    ports=(
        Published(80, "tcp", "0.0.0.0", 8080),
        Published(80, "tcp", "::", 8080),
        Published(53, "udp", "127.0.0.1", 5353),
    ),
)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_port_is_an_element_of_a_map() -> None:
    assert json.loads(rules.publish("box", WEB)) == {
        "nftables": [
            {
                "add": {
                    "element": {
                        "family": "ip",
                        "table": "box",
                        "name": "published",
                        "elem": [[{"concat": ["tcp", 8080]}, {"concat": ["172.17.0.2", 80]}]],
                    }
                }
            },
            {
                "add": {
                    "element": {
                        "family": "ip",
                        "table": "box",
                        "name": "published_at",
                        "elem": [
                            [
                                {"concat": ["127.0.0.1", "udp", 5353]},
                                {"concat": ["172.17.0.2", 53]},
                            ]
                        ],
                    }
                }
            },
        ]
    }
    gone = json.loads(rules.unpublish("box", WEB))["nftables"]
    assert gone[0]["delete"]["element"]["elem"] == [{"concat": ["tcp", 8080]}]
    assert rules.publish("box", Endpoint("e", "n", "c", "quiet")) == ""


def test_the_table_replaces_the_old_one_in_one_transaction() -> None:
    text = words(rules.table("box", [BRIDGE], [WEB]))
    assert text.startswith("add table ip box delete table ip box table ip box {")
    assert "elements = { tcp . 8080 : 172.17.0.2 . 80 };" in text
    assert "elements = { 127.0.0.1 . udp . 5353 : 172.17.0.2 . 53 };" in text
    assert 'elements = { "br0" : jump to-br0 };' in text
    assert text.count("{") == text.count("}")


def test_answers_first_then_what_is_published_then_the_same_bridge() -> None:
    text = words(rules.table("box", [BRIDGE], []))
    assert (
        "chain to-br0 { ct state established,related accept ct status dnat accept"
        ' iifname "br0" accept drop }'
    ) in text


def test_options_of_a_network() -> None:
    quiet = Network("n", "x", "bridge", "", bridge="b", subnet="10.0.0.0/24", icc=False)
    assert 'iifname "b" drop' in rules.table("box", [quiet], [])
    closed = Network("n", "x", "bridge", "", bridge="b", subnet="10.0.0.0/24", internal=True)
    text = words(rules.table("box", [closed], []))
    assert 'chain from-b { oifname != "b" drop }' in text
    assert "ct status dnat accept" not in text
    plain = Network("n", "x", "bridge", "", bridge="b", subnet="10.0.0.0/24", masquerade=False)
    assert 'oifname != "b" masquerade' not in rules.table("box", [plain], [])


def test_no_network_no_element() -> None:
    assert "elements" not in rules.table("box", [], [])
