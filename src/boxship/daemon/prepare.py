"""The part of a start that touches disks: root, user, files.  Blocks, so it runs in a thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxship.daemon import mounts, users
from boxship.model.errors import BoxshipError, Invalid, NotFound
from boxship.network import files
from boxship.storage.roots import Root
from boxship.storage.shm import mount_shm, unmount_shm

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts

FILES = ("resolv.conf", "hostname", "hosts")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was found and made."""

    root: str
    user: users.User


def prepare(parts: Parts, c: Container) -> Prepared:
    """Mount the root and look into it; whatever fails leaves it unmounted."""
    # What goes with its container needs no sync of the file system when it is unmounted.
    root = parts.layers.mount(c.id, throwaway=bool(c.host_config["AutoRemove"]))
    try:
        if c.host_config["IpcMode"] == "shareable":
            mount_shm(parts.shm(c.id), c.host_config["ShmSize"])
        mounts.make_sources(c.mounts)
        with Root(root) as inside:
            user = user_of(inside, c.config["User"], c.host_config["GroupAdd"] or [])
            _make_working_directory(inside, c.config["WorkingDir"])
            _fill_volumes(inside, c)
        _write(f"{parts.folder(c.id)}/hostname", files.hostname_file(c.config["Hostname"]))
    except BaseException:
        unmount(parts, c)
        raise
    return Prepared(root, user)


def unmount(parts: Parts, c: Container) -> None:
    """Take away what prepare mounted; idempotent."""
    parts.layers.unmount(c.id)
    if c.host_config["IpcMode"] == "shareable":
        unmount_shm(parts.shm(c.id))


def user_of(inside: Root, asked: str, groups: list[str]) -> users.User:
    """Who runs, by the container's own tables."""
    passwd = inside.read_file("/etc/passwd") or b""
    group = inside.read_file("/etc/group") or b""
    return users.resolve(asked, passwd, group, groups)


def _make_working_directory(inside: Root, path: str) -> None:
    if not path or path == "/":
        return
    try:
        inside.make_directory(os.path.normpath(path))
    except OSError as e:
        text = f"cannot create working directory {path}: {(e.strerror or str(e)).lower()}"
        raise Invalid(text, hint="give another with --workdir") from e


def _fill_volumes(inside: Root, c: Container) -> None:
    """A new, empty volume begins with what the image has at its place."""
    if c.state.started_before:
        return
    for point in c.mounts:
        if point["Type"] == "volume" and "nocopy" not in point["Mode"].split(","):
            _fill(inside, point["Destination"], point["Source"])


def _fill(inside: Root, path: str, volume: str) -> None:
    try:
        if not os.listdir(volume):
            inside.copy_out(path, volume)
    except OSError as e:
        raise BoxshipError(f"failed to fill the volume at {volume} from {path}: {e}") from e


def write_network_files(parts: Parts, c: Container, ip: str) -> dict[str, str]:
    """Hosts and resolv.conf, known once the network is; returns inside -> outside."""
    folder, config = parts.folder(c.id), c.config
    extra = c.host_config["ExtraHosts"] or ()
    asked = any(files.HOST_GATEWAY in entry for entry in extra)
    gateway = _host_gateway(parts) if asked else ""
    on_host = c.host_config["NetworkMode"] == "host"
    if on_host:
        hosts = files.host_hosts(_read("/etc/hosts"), extra, gateway=gateway)
    else:
        hosts = files.hosts(
            config["Hostname"], ip, extra, domain=config["Domainname"] or "", gateway=gateway
        )
    _write(f"{folder}/hosts", hosts)
    text = files.resolv_conf(_read("/etc/resolv.conf"), _dns(parts, c), host_network=on_host)
    _write(f"{folder}/resolv.conf", text)
    return {f"/etc/{name}": f"{folder}/{name}" for name in FILES}


def _host_gateway(parts: Parts) -> str:
    """What --add-host NAME:host-gateway means: the host's address on the default bridge."""
    try:
        return parts.networks.get("bridge").gateway
    except NotFound:  # --bridge none
        return ""


def _dns(parts: Parts, c: Container) -> files.Dns:
    asked, default = c.host_config, parts.config
    return files.Dns(
        asked.get("Dns") or default.dns,
        asked.get("DnsSearch") or default.dns_search,
        asked.get("DnsOptions") or default.dns_opts,
    )


def _write(path: str, text: str) -> None:
    """Write in place: a running container has the file bound, so it must stay the same file."""
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(path, 0o644)


def _read(path: str) -> str:
    """A file of the host, or ''."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
