"""hosts and resolv.conf as texts."""

from boxship.daemon.files import Dns, extra_hosts, hosts, resolv_conf

HOST = "nameserver 127.0.0.53\nnameserver 10.0.0.2\nsearch corp.example\noptions ndots:2\n"


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_private_network_does_not_reach_the_loopback_server() -> None:
    assert lines(resolv_conf(HOST, Dns(), private=True)) == [
        "nameserver 10.0.0.2",
        "search corp.example",
        "options ndots:2",
    ]
    assert "nameserver 127.0.0.53" in lines(resolv_conf(HOST, Dns(), private=False))


def test_what_is_asked_for_wins() -> None:
    asked = Dns(["1.1.1.1"], ["a.example", "b.example"], ["rotate"])
    assert lines(resolv_conf(HOST, asked, private=True)) == [
        "nameserver 1.1.1.1",
        "search a.example b.example",
        "options rotate",
    ]


def test_hosts_that_are_added() -> None:
    extra = extra_hosts(
        ["db:10.1.2.3", "host.docker.internal:host-gateway", "x:[::1]"], "172.17.0.1"
    )
    assert extra == [
        ("10.1.2.3", "db"),
        ("172.17.0.1", "host.docker.internal"),
        ("::1", "x"),
    ]
    assert hosts("head\n", extra[:1]) == "head\n10.1.2.3\tdb\n"
