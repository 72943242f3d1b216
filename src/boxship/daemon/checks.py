"""Whether what create was asked can be right: Docker's words for each thing that cannot.  Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from boxship.daemon import attachments, capabilities, resources, restarts, signals
from boxship.daemon.config import LOG_DRIVERS
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.host import HostFacts

_JSON_FILE_OPTIONS = {
    "max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag",
    "mode", "max-buffer-size",
}  # fmt: skip


def check(config: dict[str, Any], host_config: dict[str, Any], host: HostFacts) -> None:
    """Raise for the first thing that is wrong."""
    _check_config(config)
    restarts.check(restarts.policy(host_config))
    if host_config["AutoRemove"] and restarts.policy(host_config).name != "no":
        raise Invalid("can't create 'AutoRemove' container with restart policy")
    capabilities.normalized(host_config["CapAdd"], "CapAdd")
    capabilities.normalized(host_config["CapDrop"], "CapDrop")
    resources.check(host_config, host)
    if (host_config["ShmSize"] or 0) < 0:
        raise Invalid("SHM size can not be less than 0")
    if not -1000 <= (host_config["OomScoreAdj"] or 0) <= 1000:
        score = host_config["OomScoreAdj"]
        raise Invalid(f"Invalid value {score}, range for oom score adj is [-1000, 1000]")
    if host_config["Isolation"] not in ("", "default"):
        isolation = host_config["Isolation"]
        raise Invalid(f"invalid isolation ({isolation}): linux only supports 'default'")
    _check_ports(config, host_config)
    if host_config.get("StorageOpt"):
        raise Invalid(
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
        )
    _check_modes(host_config)
    _check_log(host_config["LogConfig"])


def check_endpoints(endpoints: dict[str, Any]) -> None:
    """The built-in networks give addresses themselves."""
    for name in ("default", "bridge", "host", "none"):
        ipam = (endpoints.get(name) or {}).get("IPAMConfig") or {}
        if ipam.get("IPv4Address") or ipam.get("IPv6Address"):
            raise Invalid(
                f"invalid config for network {name}: invalid endpoint settings:\n"
                "* user specified IP address is supported on user defined networks only\n"
                "* user specified IP address is supported only when connecting to networks "
                "with user configured subnets"
            )


def _check_config(config: dict[str, Any]) -> None:
    folder = config["WorkingDir"]
    if folder and not os.path.isabs(folder):
        raise Invalid(
            f"the working directory '{folder}' is invalid, it needs to be an absolute path"
        )
    if config.get("StopSignal"):
        signals.number(config["StopSignal"])
    for variable in config["Env"] or []:
        if not variable or variable.startswith("="):
            raise Invalid(f"invalid environment variable: {variable}")


def _check_ports(config: dict[str, Any], host_config: dict[str, Any]) -> None:
    attachments.ports(config, host_config)
    for port in config.get("ExposedPorts") or {}:
        attachments.parsed(port)


def _check_modes(host_config: dict[str, Any]) -> None:
    wrong = {
        "IpcMode": ("", "host", "private", "none", "shareable"),
        "PidMode": ("", "host"),
        "UTSMode": ("", "host"),
        "UsernsMode": ("", "host"),
        "CgroupnsMode": ("", "host", "private"),
    }
    names = {"IpcMode": "IPC", "PidMode": "PID", "UTSMode": "UTS", "UsernsMode": "userns"}
    for field, known in wrong.items():
        mode = host_config[field] or ""
        joins = field in ("IpcMode", "PidMode") and mode.startswith("container:")
        if mode not in known and not (joins and mode.partition(":")[2]):
            name = names.get(field, "cgroup namespace")
            raise Invalid(f"invalid {name} mode: {mode}")


def _check_log(log: dict[str, Any]) -> None:
    if log["Type"] not in LOG_DRIVERS:
        raise Invalid(  # not NotFound: clients would pull the image
            f'error looking up logging plugin {log["Type"]}: plugin "{log["Type"]}" not found',
            hint=f"the log drivers are {' and '.join(LOG_DRIVERS)}",
        )
    if log["Type"] == "json-file":
        for name in log["Config"]:
            if name not in _JSON_FILE_OPTIONS:
                raise Invalid(f"unknown log opt '{name}' for json-file log driver")
        size(log["Config"].get("max-size", "-1"))
        if int(log["Config"].get("max-file", "1")) < 1:
            raise Invalid("max-file cannot be less than 1")


_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def size(text: str) -> int:
    """`10m` in bytes; -1 for no limit."""
    word = text.lower().removesuffix("b").removesuffix("i") or text
    number, unit = (word[:-1], word[-1]) if word[-1:] in _UNITS else (word, "b")
    try:
        return int(float(number) * _UNITS[unit])
    except ValueError:
        raise Invalid(f"invalid size: '{text}'") from None
