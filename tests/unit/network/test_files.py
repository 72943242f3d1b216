from __future__ import annotations

import pytest

from boxship.model.errors import Invalid
from boxship.network.files import Dns, host_hosts, hostname_file, hosts, resolv_conf

HEAD = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def body(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if line.strip() and line[0] != "#")


def test_hosts_as_docker_writes_them() -> None:
    extra = ["foo:1.2.3.4", "gw:host-gateway", "six=[fe80::1]", "v6:2001:db8::1"]
    assert hosts("b5593f26f14f", "172.17.0.9", extra, gateway="172.17.0.1") == HEAD + (
        "1.2.3.4\tfoo\n172.17.0.1\tgw\nfe80::1\tsix\n2001:db8::1\tv6\n172.17.0.9\tb5593f26f14f\n"
    )
    assert hosts("web", "", ()) == HEAD  # --network none
    assert hosts("web", "10.0.0.2", domain="example.org").endswith(
        "10.0.0.2\tweb.example.org web\n"
    )


def test_hosts_of_the_host_network_are_the_hosts_own() -> None:
    assert host_hosts("127.0.0.1 localhost", ["a:1.1.1.1"]) == "127.0.0.1 localhost\n1.1.1.1\ta\n"


@pytest.mark.parametrize("entry", ["foo", "foo:", "foo:bar", "gw:host-gateway"])
def test_a_wrong_extra_host_is_named(entry: str) -> None:
    with pytest.raises(Invalid, match="invalid IP address in add-host") as error:
        hosts("web", "10.0.0.2", [entry])
    assert error.value.hint == entry


def test_resolv_conf_is_the_hosts_without_its_loopback() -> None:
    host = """\
; by hand
nameserver 127.0.0.53
nameserver 10.0.0.53 # ours
nameserver fe80::1%eth0
domain old.example
search a.example b.example
options edns0
options trust-ad
"""
    assert body(resolv_conf(host)) == (
        "nameserver 10.0.0.53\nsearch a.example b.example\noptions edns0 trust-ad\n"
    )
    assert "nameserver 127.0.0.53\n" in resolv_conf(host, host_network=True)


@pytest.mark.parametrize("host", ["", "nameserver 127.0.0.1\n", "nameserver ::1\nsearch x\n"])
def test_without_a_useful_nameserver_dockers_defaults_are_used(host: str) -> None:
    assert body(resolv_conf(host)).startswith("nameserver 8.8.8.8\nnameserver 8.8.4.4\n")


def test_the_users_wishes_replace_the_hosts() -> None:
    dns = Dns(["1.1.1.1", "127.0.0.1"], ["a.b"], ["ndots:3"])
    host = "nameserver 10.0.0.53\nsearch x\noptions y\n"
    assert body(resolv_conf(host, dns)) == (
        "nameserver 1.1.1.1\nnameserver 127.0.0.1\nsearch a.b\noptions ndots:3\n"
    )
    assert body(resolv_conf(host, Dns(search=["."]))) == "nameserver 10.0.0.53\noptions y\n"


def test_hostname() -> None:
    assert hostname_file("web") == "web\n"
