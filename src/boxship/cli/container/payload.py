"""Flags to the body of a create request, field by field as the docker client sends it."""

import os

from boxship.cli.container import host_config, network_option, port_option
from boxship.cli.container.files import environment, key_values
from boxship.cli.container.option_kinds import pairs
from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values

HEALTH_TIMES = (
    ("health-interval", "Interval"),
    ("health-timeout", "Timeout"),
    ("health-start-period", "StartPeriod"),
    ("health-start-interval", "StartInterval"),
)


def body(flags: "Values", arguments: list[str]) -> "Json":
    """Config, HostConfig and NetworkingConfig in one document; Failure where flags disagree."""
    _check(flags)
    binds, volumes = _volumes(flags["volume"])
    exposed, bindings = port_option.ports(flags["publish"], flags["expose"])
    mode, endpoints = network_option.endpoints(flags)
    config = _config(flags, arguments, volumes)
    if exposed:
        config["ExposedPorts"] = exposed
    if flags["mac-address"]:
        _check_mac(flags["mac-address"])
    health = _health(flags)
    if health is not None:
        config["Healthcheck"] = health
    host = host_config.build(flags)
    host["Binds"] = binds or None
    host["NetworkMode"] = mode
    host["PortBindings"] = bindings
    if flags["use-api-socket"]:
        raise Failure("--use-api-socket is not supported by this client")
    return {**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": endpoints}}


def _check_mac(text: str) -> None:
    if not network_option.is_mac(text.strip()):
        raise Failure(f"{text} is not a valid mac address")


def _check(flags: "Values") -> None:
    swappiness = flags["memory-swappiness"]
    if swappiness != -1 and not 0 <= swappiness <= 100:
        raise Failure(f"invalid value: {swappiness}. Valid memory swappiness range is 0-100")
    for text in flags["volume"]:
        if not text:
            raise Failure("invalid empty volume spec")


def attached(flags: "Values") -> tuple[bool, bool, bool]:
    """Which of stdin, stdout and stderr are to be attached."""
    streams = set(flags["attach"]) or {"stdout", "stderr"}
    return flags["interactive"] or "stdin" in streams, "stdout" in streams, "stderr" in streams


def _config(flags: "Values", arguments: list[str], volumes: "dict[str, Json]") -> "Json":
    stdin, stdout, stderr = attached(flags)
    config: Json = {
        "Hostname": flags["hostname"],
        "Domainname": flags["domainname"],
        "User": flags["user"],
        "AttachStdin": stdin,
        "AttachStdout": stdout,
        "AttachStderr": stderr,
        "Tty": flags["tty"],
        "OpenStdin": flags["interactive"],
        "StdinOnce": flags["interactive"] and stdin,
        "Env": environment(flags["env-file"], flags["env"]) or None,
        "Cmd": arguments[1:] or None,
        "Image": arguments[0],
        "Volumes": volumes,
        "WorkingDir": flags["workdir"],
        "Entrypoint": [flags["entrypoint"]] if "entrypoint" in flags.changed else None,
        "OnBuild": None,
        "Labels": pairs(key_values(flags["label-file"]) + flags["label"]),
    }
    if flags["stop-signal"]:
        config["StopSignal"] = flags["stop-signal"]
    if "stop-timeout" in flags.changed:
        config["StopTimeout"] = flags["stop-timeout"]
    return config


def _volumes(texts: list[str]) -> "tuple[list[str], dict[str, Json]]":
    """Binds, and the targets that get a volume without a name."""
    binds: list[str] = []
    volumes: dict[str, Json] = {}
    for text in texts:
        if ":" not in text:
            volumes[text] = {}
            continue
        source, _, rest = text.partition(":")
        if source == "." or source.startswith(("./", "../")):
            source = os.path.abspath(source)
        elif source.startswith("~/") or source == "~":
            source = os.path.expanduser(source)
        bind = f"{source}:{rest}"
        if bind not in binds:
            binds.append(bind)
    return binds, volumes


def _health(flags: "Values") -> "Json":
    times = {field: flags[name] for name, field in HEALTH_TIMES if flags[name] not in {0, "0s"}}
    asked = bool(flags["health-cmd"] or times or flags["health-retries"])
    if flags["no-healthcheck"]:
        if asked:
            raise Failure("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    if not asked:
        return None
    for name, field in HEALTH_TIMES:
        if times.get(field, 0) < 0:
            raise Failure(f"--{name} cannot be negative")
    if flags["health-retries"] < 0:
        raise Failure("--health-retries cannot be negative")
    health: Json = {"Test": ["CMD-SHELL", flags["health-cmd"]]} if flags["health-cmd"] else {}
    health.update(times)
    if flags["health-retries"]:
        health["Retries"] = flags["health-retries"]
    return health
