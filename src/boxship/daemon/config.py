"""The configuration of one engine: flags, daemon.json, defaults; whatever conflicts is an error."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field, fields
from typing import Any

from boxship.daemon import flags
from boxship.model.errors import Invalid, Unsupported

DEFAULT_ROOT = "/var/lib/boxship"
OUR_SHIM = "io.boxship.v1"
RUNC_SHIM = "io.containerd.runc.v2"
OUR_RUNTIME = "boxship"
LONGEST_SOCKET = 107  # unix(7), sun_path without its last byte


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that makes one engine differ from another on the same host."""

    data_root: str = DEFAULT_ROOT
    exec_root: str = "/run/boxship"
    hosts: tuple[str, ...] = ()
    group: str = "docker"
    pidfile: str = "/run/boxship.pid"
    bridge: str = ""
    bip: str = ""
    mtu: int = 1500
    default_address_pools: tuple[dict[str, Any], ...] = ()
    icc: bool = True
    ip: str = "0.0.0.0"
    ip_forward: bool = True
    ip_masq: bool = True
    iptables: bool = True
    ipv6: bool = False
    userland_proxy: bool = True
    containerd: str = ""
    log_level: str = "info"
    log_format: str = "text"
    debug: bool = False
    log_driver: str = "json-file"
    log_opts: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    live_restore: bool = True
    insecure_registries: tuple[str, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    runtimes: dict[str, str] = field(default_factory=dict)  # name -> program, beside the built-in
    default_runtime: str = ""
    cgroup_parent: str = ""
    default_cgroupns_mode: str = ""
    default_ipc_mode: str = "private"
    default_shm_size: str = "64MiB"
    shutdown_timeout: int = 15
    storage_driver: str = "overlay2"
    dns: tuple[str, ...] = ()
    dns_opts: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    default_ulimits: tuple[dict[str, Any], ...] = ()
    seccomp_profile: str = "builtin"
    init: bool = False
    init_path: str = ""
    no_new_privileges: bool = False
    max_concurrent_downloads: int = 3
    validate: bool = False

    @property
    def instance(self) -> str:
        """The name that keeps this engine's things apart from another's."""
        root = os.path.realpath(self.data_root)
        if root == DEFAULT_ROOT:
            return "boxship"
        return f"boxship-{hashlib.sha256(root.encode()).hexdigest()[:6]}"

    @property
    def bridge_name(self) -> str:
        """The default bridge."""
        return self.bridge or ("boxship0" if self.instance == "boxship" else self.instance)

    @property
    def cgroup(self) -> str:
        """The parent of all containers' cgroups."""
        return self.cgroup_parent or f"/{self.instance}"

    @property
    def listen(self) -> tuple[str, ...]:
        """Where the API is served."""
        return self.hosts or (f"unix://{self.exec_root}/docker.sock",)

    @property
    def supervisor_socket(self) -> str:
        """Where containerd's API is served."""
        return self.containerd or f"{self.exec_root}/containerd/containerd.sock"

    @property
    def runtime(self) -> str:
        """The runtime of containers that name none."""
        return self.default_runtime or (RUNC_SHIM if self.containerd else OUR_RUNTIME)

    def known_runtimes(self) -> dict[str, tuple[str, str]]:
        """Name -> (shim, program or '') of every runtime that --runtime may name."""
        known = {RUNC_SHIM: (RUNC_SHIM, "")}
        if not self.containerd:
            known[OUR_RUNTIME] = (OUR_SHIM, "")
        shim = RUNC_SHIM if self.containerd else OUR_SHIM
        known |= {n: (shim, p) for n in ("runc", "crun") if (p := shutil.which(n))}
        return known | {name: (shim, path) for name, path in self.runtimes.items()}


def load(arguments: list[str]) -> Config:
    """The configuration that the command line and its daemon.json give."""
    given = flags.parse(arguments)
    path = given.get("config-file") or flags.BY_FLAG["config-file"].default
    values = {flags.BY_FLAG[name].file_key: v for name, v in given.items()}
    if "config-file" in given or os.path.exists(path):
        values |= _from_file(path, given)
    _refuse(values)
    return checked(_config(values))


def _from_file(path: str, given: dict[str, Any]) -> dict[str, Any]:
    where = f"unable to configure the Docker daemon with file {path}"
    try:
        with open(path, "rb") as file:
            document = json.load(file)
    except OSError as e:
        raise Invalid(f"{where}: {(e.strerror or str(e)).lower()}") from e
    except ValueError as e:
        raise Invalid(f"{where}: invalid JSON: {e}") from e
    if not isinstance(document, dict):
        raise Invalid(f"{where}: it is not a JSON object")
    unknown = [key for key in document if key not in flags.BY_KEY]
    if unknown:
        raise Invalid(
            f"{where}: the following directives don't match any configuration option: "
            f"{', '.join(unknown)}"
        )
    both = [
        f"{key}: (from flag: {_shown(given[flag])}, from file: {_shown(document[key])})"
        for key in document
        if (flag := flags.BY_KEY[key].flag) in given
    ]
    if both:
        raise Invalid(
            f"{where}: the following directives are specified both as a flag and in the "
            f"configuration file: {', '.join(both)}"
        )
    return {key: _file_value(flags.BY_KEY[key], value, where) for key, value in document.items()}


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{' '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _file_value(option: flags.Option, value: object, where: str) -> object:
    kinds: dict[str, type] = {
        flags.TEXT: str, flags.FLAG: bool, flags.NUMBER: int, flags.LIST: list,
        flags.MAP: dict, flags.POOL: list, flags.ULIMIT: dict,
    }  # fmt: skip
    if not isinstance(value, kinds[option.kind]):
        raise Invalid(f"{where}: {option.file_key} has a value of the wrong type")
    if option.kind == flags.MAP and isinstance(value, dict):
        return [(k, v["path"] if isinstance(v, dict) else str(v)) for k, v in value.items()]
    if option.kind == flags.ULIMIT and isinstance(value, dict):
        return [{"Name": k, "Soft": v["Soft"], "Hard": v["Hard"]} for k, v in value.items()]
    return value


LOG_DRIVERS = ("json-file", "none")
_NOT_YET = ("tls", "tlsverify", "tlscacert", "tlscert", "tlskey", "userns-remap", "ipv6")


def _refuse(values: dict[str, Any]) -> None:
    for key in _NOT_YET:
        if values.get(key):
            raise Unsupported(f"--{key} is not there yet", hint="leave it out")
    if values.get("storage-driver", "overlay2") not in ("overlay2", ""):
        raise Unsupported(
            f"storage driver {values['storage-driver']} is not there", hint="use overlay2"
        )
    if values.get("log-driver", "json-file") not in LOG_DRIVERS:
        raise Unsupported(
            f"log driver {values['log-driver']} is not there", hint="use json-file or none"
        )


def _config(values: dict[str, Any]) -> Config:
    known = {f.name: f for f in fields(Config)}
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        option = flags.BY_KEY.get(key)
        if name not in known:
            continue
        if option is not None and option.kind == flags.MAP:
            arguments[name] = dict(value)
        elif option is not None and option.gathers:
            arguments[name] = tuple(value)
        else:
            arguments[name] = value
    return Config(**arguments)


def checked(config: Config) -> Config:
    """The same, or Invalid for a value that cannot be."""
    levels = ("trace", "debug", "info", "warn", "warning", "error", "fatal", "panic")
    if config.log_level not in levels:
        raise Invalid(f"invalid logging level: {config.log_level}")
    if config.log_format not in ("text", "json"):
        raise Invalid(f"invalid log format: {config.log_format}")
    for host in config.hosts:
        if not host.startswith(("unix://", "tcp://", "fd://")):
            raise Invalid(f"Invalid bind address format: {host}", hint="use unix:// or tcp://")
    _check_length(config.exec_root)
    for label in config.labels:
        if "=" not in label:
            raise Invalid(f"bad attribute format: {label}")
    if config.runtime not in config.known_runtimes():
        raise Invalid(f"specified default runtime '{config.runtime}' does not exist")
    return config


def _check_length(exec_root: str) -> None:
    left = LONGEST_SOCKET - len("/containerd/containerd.sock.ttrpc")
    if len(os.fsencode(exec_root)) > left:
        raise Invalid(
            f"--exec-root {exec_root} is too long for the sockets in it",
            hint=f"choose one of at most {left} bytes",
        )
