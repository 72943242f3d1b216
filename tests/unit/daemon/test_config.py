"""dockerd's flags and daemon.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from boxship.daemon.config import load
from boxship.model.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[[dict[str, Any]], str]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(document: dict[str, Any]) -> str:
        path = tmp_path / "daemon.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write


def test_flags_in_every_spelling() -> None:
    config = load(
        ["--data-root=/x", "--exec-root", "/y", "-H", "unix:///a", "--host=tcp://127.0.0.1:2375",
         "-D", "--live-restore=false", "--mtu", "1400", "--log-opt", "max-size=1m",
         "--default-ulimit", "nofile=10:20", "--add-runtime", "mine=/bin/mine",
         "--default-address-pool", "base=10.9.0.0/16,size=24"]
    )  # fmt: skip
    assert config.data_root == "/x"
    assert config.hosts == ("unix:///a", "tcp://127.0.0.1:2375")
    assert config.debug
    assert not config.live_restore
    assert config.mtu == 1400
    assert config.log_opts == {"max-size": "1m"}
    assert config.default_ulimits == ({"Name": "nofile", "Soft": 10, "Hard": 20},)
    assert config.runtimes == {"mine": "/bin/mine"}
    assert config.default_address_pools == ({"base": "10.9.0.0/16", "size": 24},)


def test_daemon_json_has_the_same_keys(written: Write) -> None:
    path = written(
        {"data-root": "/x", "hosts": ["unix:///a"], "log-opts": {"max-file": "3"},
         "runtimes": {"mine": {"path": "/bin/mine"}}, "live-restore": True}
    )  # fmt: skip
    config = load(["--config-file", path])
    assert (config.data_root, config.hosts, config.log_opts) == (
        "/x",
        ("unix:///a",),
        {"max-file": "3"},
    )
    assert config.runtimes == {"mine": "/bin/mine"}


def test_flag_and_file_may_not_both_say_it(written: Write) -> None:
    path = written({"debug": True})
    with pytest.raises(
        Invalid,
        match=r"specified both as a flag and in the configuration file: "
        r"debug: \(from flag: true, from file: true\)",
    ):
        load(["--config-file", path, "--debug"])


def test_an_unknown_key_of_the_file_is_named(written: Write) -> None:
    with pytest.raises(Invalid, match=r"the following directives don't match any .* option: nope"):
        load(["--config-file", written({"nope": 1})])


def test_wrong_values_are_named(written: Write) -> None:
    with pytest.raises(Invalid, match='invalid argument "x" for "--mtu" flag'):
        load(["--mtu", "x"])
    with pytest.raises(Invalid, match="unknown flag: --nope"):
        load(["--nope"])
    with pytest.raises(Invalid, match="flag needs an argument: --bip"):
        load(["--bip"])
    with pytest.raises(Invalid, match="mtu has a value of the wrong type"):
        load(["--config-file", written({"mtu": "1500"})])
    with pytest.raises(Invalid, match="invalid logging level: loud"):
        load(["--log-level", "loud"])
    with pytest.raises(Invalid, match="specified default runtime 'nope' does not exist"):
        load(["--default-runtime", "nope"])


def test_what_is_not_there_yet_says_so() -> None:
    with pytest.raises(Unsupported, match="--tlsverify is not there yet"):
        load(["--tlsverify"])
    with pytest.raises(Unsupported, match="--ipv6 is not there yet"):
        load(["--ipv6"])
    with pytest.raises(Unsupported, match="log driver syslog is not there"):
        load(["--log-driver", "syslog"])
    with pytest.raises(Unsupported, match="storage driver btrfs is not there"):
        load(["-s", "btrfs"])


def test_an_exec_root_that_is_too_long_for_sockets_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="too long for the sockets in it: choose one of at most 74"):
        load(["--exec-root", "/" + "x" * 80])


def test_each_data_root_is_an_instance_of_its_own() -> None:
    default, other = load([]), load(["--data-root", "/x"])
    assert (default.instance, default.bridge_name, default.cgroup) == (
        "boxship",
        "boxship0",
        "/boxship",
    )
    assert other.instance.startswith("boxship-")
    assert other.bridge_name == other.instance
    assert len(other.bridge_name) <= 15


def test_with_a_real_containerd_the_default_runtime_is_its_own() -> None:
    config = load(["--containerd", "/run/containerd/containerd.sock"])
    assert config.runtime == "io.containerd.runc.v2"
    assert "boxship" not in config.known_runtimes()
