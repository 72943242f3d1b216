"""`--change`: Dockerfile instructions that change the configuration of an image."""

import json
import re
import shlex
import signal
from collections.abc import Callable, Iterable
from posixpath import join, normpath
from typing import Any

from boxship.model.errors import Invalid

Config = dict[str, Any]

_DURATION_UNITS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|ms|s|m|h)")
_PORT = re.compile(r"(\d+)(?:-(\d+))?(?:/(\w+))?")
_ONBUILD_REFUSED = {"FROM", "MAINTAINER"}
_MAX_PORT = 65535
_EMPTY: Config = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}


def empty_config() -> Config:
    """A configuration that says nothing, with the keys that Docker writes always."""
    return dict(_EMPTY)


def apply_changes(config: Config, changes: Iterable[str]) -> Config:
    """`config` with each of `changes` made, in order."""
    config = dict(config)
    for change in changes:
        word, _, rest = change.strip().partition(" ")
        make = _CHANGES.get(word.upper())
        if make is None:
            raise Invalid(f"{word.upper()} is not a valid change command")
        make(config, rest.strip())
    return config


def _cmd(config: Config, rest: str) -> None:
    config["Cmd"] = _command(rest)


def _entrypoint(config: Config, rest: str) -> None:
    config["Entrypoint"] = _command(rest) or None


def _command(rest: str) -> list[str]:
    words = _json_words(rest)
    if words is not None:
        return words
    return ["/bin/sh", "-c", rest] if rest else ["/bin/sh", "-c"]


def _json_words(rest: str) -> list[str] | None:
    """The exec form: a JSON list of strings."""
    if not rest.startswith("["):
        return None
    try:
        words = json.loads(rest)
    except ValueError:
        return None
    return words if all(isinstance(word, str) for word in words) else None


def _env(config: Config, rest: str) -> None:
    pairs = _pairs("ENV", rest)
    known = {item.partition("=")[0]: item for item in config.get("Env") or []}
    known.update({key: f"{key}={value}" for key, value in pairs})
    config["Env"] = list(known.values())


def _label(config: Config, rest: str) -> None:
    config["Labels"] = dict(
        sorted({**(config.get("Labels") or {}), **dict(_pairs("LABEL", rest))}.items())
    )


def _pairs(word: str, rest: str) -> list[tuple[str, str]]:
    """`KEY=value KEY2="a value"`, or the old `KEY a value`."""
    if not rest:
        raise Invalid(f"{word} requires at least one argument")
    first = rest.split(None, 1)
    if "=" not in first[0] and not rest.startswith(('"', "'")):
        if len(first) < 2:
            raise Invalid(f"{word} must have two arguments")
        return [(first[0], first[1])]
    pairs = []
    for item in _words(rest):
        key, equals, value = item.partition("=")
        if not equals:
            raise Invalid(
                f"Syntax error - can't find = in {json.dumps(item)}. "
                "Must be of the form: name=value"
            )
        if not key:
            raise Invalid(f"{word} names can not be blank")
        pairs.append((key, value))
    return pairs


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Invalid(f"failed to process {json.dumps(text)}: {error}") from error


def _expose(config: Config, rest: str) -> None:
    ports = dict(config.get("ExposedPorts") or {})
    if not rest:
        raise Invalid("EXPOSE requires at least one argument")
    for item in rest.split():
        for port in _port_range(item):
            ports[port] = {}
    config["ExposedPorts"] = dict(sorted(ports.items()))


def _port_range(item: str) -> list[str]:
    match = _PORT.fullmatch(item)
    if match is None:
        raise Invalid(f"Invalid containerPort: {item.partition('/')[0]}")
    first, last, protocol = int(match[1]), int(match[2] or match[1]), (match[3] or "tcp").lower()
    if protocol not in {"tcp", "udp", "sctp"}:
        raise Invalid(f"Invalid proto: {protocol}")
    if not first <= last <= _MAX_PORT:
        raise Invalid(f"Invalid containerPort: {item.partition('/')[0]}")
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def _user(config: Config, rest: str) -> None:
    config["User"] = _one("USER", rest)


def _workdir(config: Config, rest: str) -> None:
    path = _one("WORKDIR", rest)
    config["WorkingDir"] = normpath(join("/", config.get("WorkingDir") or "", path))


def _stopsignal(config: Config, rest: str) -> None:
    name = _one("STOPSIGNAL", rest)
    if not _is_signal(name):
        raise Invalid(f"invalid signal: {name}")
    config["StopSignal"] = name


def _is_signal(name: str) -> bool:
    if name.isdigit():
        return 0 < int(name) <= signal.SIGRTMAX
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    return full in signal.Signals.__members__ or bool(re.fullmatch(r"SIGRTM(IN\+|AX-)\d+", full))


def _one(word: str, rest: str) -> str:
    words = _words(rest)
    if len(words) != 1 or not words[0]:
        raise Invalid(f"{word} requires exactly one argument")
    return words[0]


def _volume(config: Config, rest: str) -> None:
    paths = _json_words(rest)
    paths = _words(rest) if paths is None else paths
    if not paths:
        raise Invalid("VOLUME requires at least one argument")
    if not all(path.strip() for path in paths):
        raise Invalid("VOLUME specified can not be an empty string")
    volumes = {**(config.get("Volumes") or {}), **{path: {} for path in paths}}
    config["Volumes"] = dict(sorted(volumes.items()))


def _onbuild(config: Config, rest: str) -> None:
    trigger = rest.partition(" ")[0].upper()
    if not trigger:
        raise Invalid("ONBUILD requires at least one argument")
    if trigger == "ONBUILD":
        raise Invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in _ONBUILD_REFUSED:
        raise Invalid(f"{trigger} isn't allowed as an ONBUILD trigger")
    config["OnBuild"] = [*(config.get("OnBuild") or []), rest]


def _healthcheck(config: Config, rest: str) -> None:
    flags, rest = _healthcheck_flags(rest)
    kind, _, command = rest.partition(" ")
    command = command.strip()
    if kind.upper() == "NONE":
        if command or flags:
            raise Invalid("HEALTHCHECK NONE takes no arguments")
        config["Healthcheck"] = {"Test": ["NONE"]}
        return
    if kind.upper() != "CMD":
        raise Invalid(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    words = _json_words(command)
    test = ["CMD-SHELL", command] if words is None else ["CMD", *words]
    if len(test) < 2 or not test[1]:
        raise Invalid("Missing command after HEALTHCHECK CMD")
    config["Healthcheck"] = {"Test": test, **flags}


_HEALTHCHECK_FLAGS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
    "retries": "Retries",
}


def _healthcheck_flags(rest: str) -> tuple[dict[str, int], str]:
    found: dict[str, int] = {}
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        name, _, value = flag[2:].partition("=")
        if name not in _HEALTHCHECK_FLAGS:
            raise Invalid(f"unknown flag: --{name}")
        found[_HEALTHCHECK_FLAGS[name]] = _count(value) if name == "retries" else _duration(value)
    order = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")
    return {key: found[key] for key in order if key in found}, rest


def _count(value: str) -> int:
    if not value.isdigit():
        raise Invalid(f"--retries must be at least 0 (not {value})")
    return int(value)


def _duration(value: str) -> int:
    """Nanoseconds of Go's `1m30s`."""
    parts = _DURATION.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise Invalid(f"time: invalid duration {json.dumps(value)}")
    return sum(int(float(number) * _DURATION_UNITS[unit]) for number, unit in parts)


_CHANGES: dict[str, Callable[[Config, str], None]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _label,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
    "STOPSIGNAL": _stopsignal,
    "HEALTHCHECK": _healthcheck,
    "ONBUILD": _onbuild,
}
