"""The part of a start that touches disks: root, user, files.  Blocks, so it runs in a thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxship.daemon import files, mounts, users
from boxship.model.errors import BoxshipError, Invalid
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
        files.write(f"{parts.folder(c.id)}/hostname", c.config["Hostname"] + "\n")
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


def write_network_files(parts: Parts, c: Container, ip: str, gateway: str) -> dict[str, str]:
    """Hosts and resolv.conf, known once the network is; returns inside -> outside."""
    folder = parts.folder(c.id)
    mode = c.host_config["NetworkMode"]
    extra = files.extra_hosts(c.host_config["ExtraHosts"], gateway)
    if mode == "host":
        head = files.read("/etc/hosts")
    else:
        head = files.HOSTS_HEAD
        if ip:
            extra.append((ip, _names(c)))
    files.write(f"{folder}/hosts", files.hosts(head, extra))
    config = parts.config
    defaults = files.Dns(list(config.dns), list(config.dns_search), list(config.dns_opts))
    wanted = files.dns(c.host_config, defaults)
    text = files.resolv_conf(files.read("/etc/resolv.conf"), wanted, private=mode != "host")
    files.write(f"{folder}/resolv.conf", text)
    return {f"/etc/{name}": f"{folder}/{name}" for name in FILES}


def _names(c: Container) -> str:
    host, domain = c.config["Hostname"], c.config["Domainname"]
    return f"{host}.{domain} {host}" if domain else host
