"""dockerd's flags: one table of names, kinds and meanings, and the parser that goes by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT, FLAG, NUMBER = "text", "flag", "number"
LIST, MAP, POOL, ULIMIT = "list", "map", "pool", "ulimit"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `key` is its name in daemon.json; several values for the kinds that gather."""

    flag: str
    kind: str
    help: str
    short: str = ""
    key: str = ""
    default: Any = None

    @property
    def file_key(self) -> str:
        """Its name in daemon.json."""
        return self.key or self.flag

    @property
    def gathers(self) -> bool:
        """Whether it may be given several times."""
        return self.kind in (LIST, MAP, POOL, ULIMIT)


OPTIONS = (
    Option("data-root", TEXT, "Root directory of lasting state", "g", default="/var/lib/boxship"),
    Option("exec-root", TEXT, "Root directory of state while it runs", default="/run/boxship"),
    Option("host", LIST, "Daemon socket(s) to connect to", "H", "hosts"),
    Option("group", TEXT, "Group for the unix socket", "G", default="docker"),
    Option("pidfile", TEXT, "Path to use for daemon PID file", "p", default="/run/boxship.pid"),
    Option("config-file", TEXT, "Daemon configuration file", default="/etc/boxship/daemon.json"),
    Option("validate", FLAG, "Validate daemon configuration and exit"),
    Option("bridge", TEXT, "Attach containers to a network bridge", "b"),
    Option("bip", TEXT, "IPv4 address for the default bridge"),
    Option("mtu", NUMBER, "Set the MTU for the default bridge network", default=1500),
    Option(
        "default-address-pool", POOL, "Default address pools for networks", "",
        "default-address-pools",
    ),
    Option("icc", FLAG, "Enable inter-container communication", default=True),
    Option("ip", TEXT, "Host IP for port publishing from the default bridge", default="0.0.0.0"),
    Option("ip-forward", FLAG, "Enable IP forwarding in system configuration", default=True),
    Option("ip-masq", FLAG, "Enable IP masquerading", default=True),
    Option("iptables", FLAG, "Enable addition of firewall rules", default=True),
    Option("ipv6", FLAG, "Enable IPv6 networking"),
    Option("userland-proxy", FLAG, "Use userland proxy for loopback traffic", default=True),
    Option("containerd", TEXT, "containerd socket"),
    Option("log-level", TEXT, "Set the logging level", "l", default="info"),
    Option("log-format", TEXT, 'Set the logging format ("text"|"json")', default="text"),
    Option("debug", FLAG, "Enable debug mode", "D"),
    Option("log-driver", TEXT, "Default driver for container logs", default="json-file"),
    Option("log-opt", MAP, "Default log driver options for containers", key="log-opts"),
    Option("label", LIST, "Set key=value labels to the daemon", key="labels"),
    Option("live-restore", FLAG, "Keep containers running while the daemon is down", default=True),
    Option("insecure-registry", LIST, "Registries without TLS", key="insecure-registries"),
    Option("registry-mirror", LIST, "Preferred registry mirror", key="registry-mirrors"),
    Option("add-runtime", MAP, "Register an additional OCI compatible runtime", key="runtimes"),
    Option("default-runtime", TEXT, "Default OCI runtime for containers"),
    Option("cgroup-parent", TEXT, "Set parent cgroup for all containers"),
    Option("default-cgroupns-mode", TEXT, 'Default mode for cgroup namespace ("host"|"private")'),
    Option("default-ipc-mode", TEXT, 'Default ipc mode ("shareable"|"private")', default="private"),
    Option("default-shm-size", TEXT, "Default shm size for containers", default="64MiB"),
    Option("shutdown-timeout", NUMBER, "Set the default shutdown timeout", default=15),
    Option("storage-driver", TEXT, "Storage driver to use", "s", default="overlay2"),
    Option("dns", LIST, "DNS server to use"),
    Option("dns-opt", LIST, "DNS options to use", key="dns-opts"),
    Option("dns-search", LIST, "DNS search domains to use"),
    Option("default-ulimit", ULIMIT, "Default ulimits for containers", key="default-ulimits"),
    Option("seccomp-profile", TEXT, "Path to seccomp profile", default="builtin"),
    Option("init", FLAG, "Run an init in the container to forward signals and reap processes"),
    Option("init-path", TEXT, "Path to the docker-init binary"),
    Option("no-new-privileges", FLAG, "Set no-new-privileges by default for new containers"),
    Option("max-concurrent-downloads", NUMBER, "Set the max concurrent downloads", default=3),
    Option("tls", FLAG, "Use TLS; implied by --tlsverify"),
    Option("tlscacert", TEXT, "Trust certs signed only by this CA"),
    Option("tlscert", TEXT, "Path to TLS certificate file"),
    Option("tlskey", TEXT, "Path to TLS key file"),
    Option("tlsverify", FLAG, "Use TLS and verify the remote"),
    Option("userns-remap", TEXT, "User/Group setting for user namespaces"),
    Option("help", FLAG, "Print usage", "h"),
)  # fmt: skip

BY_FLAG = {option.flag: option for option in OPTIONS}
BY_SHORT = {option.short: option for option in OPTIONS if option.short}
BY_KEY = {option.file_key: option for option in OPTIONS if option.flag not in ("help", "validate")}


def parse(arguments: list[str]) -> dict[str, Any]:
    """Flags to values by flag name; only what was given is there."""
    given: dict[str, Any] = {}
    words = iter(arguments)
    for word in words:
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            option = BY_FLAG.get(name)
        elif word.startswith("-") and len(word) > 1:
            option, value = BY_SHORT.get(word[1]), word[2:].removeprefix("=")
            name, equals = word[1], value
        else:
            raise Invalid(
                f'unknown command: "{word}"', hint="boxship daemon takes flags only: see --help"
            )
        if option is None:
            raise Invalid(f"unknown flag: {word.split('=')[0]}", hint="see 'boxship daemon --help'")
        _take(given, option, value if equals else None, words)
    return given


def _take(given: dict[str, Any], option: Option, value: str | None, words: Iterator[str]) -> None:
    if value is None:
        value = "true" if option.kind == FLAG else next(words, None)
    if value is None:
        raise Invalid(f"flag needs an argument: --{option.flag}")
    parsed = converted(option, value)
    if option.gathers:
        given.setdefault(option.flag, []).append(parsed)
    else:
        given[option.flag] = parsed


def converted(option: Option, value: str) -> Any:  # noqa: ANN401 - by its kind
    """One value as its kind has it, or Invalid."""
    try:
        return _READERS[option.kind](value)
    except ValueError as e:
        raise Invalid(f'invalid argument "{value}" for "--{option.flag}" flag: {e}') from e


def _flag(value: str) -> bool:
    if value.lower() in ("true", "t", "1"):
        return True
    if value.lower() in ("false", "f", "0"):
        return False
    raise ValueError("it is neither true nor false")


def _pair(value: str) -> tuple[str, str]:
    name, equals, rest = value.partition("=")
    if not equals:
        raise ValueError("it must have the form name=value")
    return name, rest


def _pool(value: str) -> dict[str, Any]:
    pairs = dict(_pair(part) for part in value.split(","))
    return {"base": pairs["base"], "size": int(pairs["size"])}


def _ulimit(value: str) -> dict[str, Any]:
    name, limits = _pair(value)
    soft, colon, hard = limits.partition(":")
    return {"Name": name, "Soft": int(soft), "Hard": int(hard if colon else soft)}


_READERS: dict[str, Any] = {
    TEXT: str,
    FLAG: _flag,
    NUMBER: int,
    LIST: str,
    MAP: _pair,
    POOL: _pool,
    ULIMIT: _ulimit,
}


def usage() -> str:
    """The help text."""
    lines = [
        "",
        "Usage:  boxship daemon [OPTIONS]",
        "",
        "The engine behind the API",
        "",
        "Options:",
    ]
    for option in sorted(OPTIONS, key=lambda o: o.flag):
        short = f"-{option.short}, " if option.short else "    "
        lines.append(f"  {short}--{option.flag:<26} {option.help}")
    return "\n".join(lines) + "\n"
