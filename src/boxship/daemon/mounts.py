"""What is mounted into a container: -v, --mount, --tmpfs and VOLUME, parsed once at create.

A mount point is a dictionary as `inspect` shows it: Type, Source, Destination, Mode, RW ...
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxship.daemon.container import Container
    from boxship.daemon.volumes import Volumes

Point = dict[str, Any]

PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_TMPFS_VALUES = {"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"}
_TMPFS_FLAGS = {
    "defaults", "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async",
    "dirsync", "mand", "nomand", "atime", "noatime", "diratime", "nodiratime", "relatime",
    "norelatime", "strictatime", "nostrictatime", *PROPAGATIONS,
}  # fmt: skip
_MODES = ("rw", "ro", "z", "Z", "nocopy", "consistent", "cached", "delegated")


def points(
    host_config: dict[str, Any],
    config: dict[str, Any],
    volumes: Volumes,
    donors: Iterable[Container],
) -> list[Point]:
    """All mount points, later ways winning over earlier ones."""
    done: dict[str, Point] = {}
    tmpfs = {os.path.normpath(path) for path in host_config.get("Tmpfs") or {}}
    for options in (host_config.get("Tmpfs") or {}).values():
        _check_tmpfs(options)
    for donor in donors:
        done |= {p["Destination"]: dict(p) for p in donor.mounts if p["Type"] != "tmpfs"}
    asked = [_bind(text, volumes) for text in host_config.get("Binds") or []]
    asked += [_mount(m, volumes) for m in host_config.get("Mounts") or []]
    for point in asked:
        if point["Destination"] in {p["Destination"] for p in asked if p is not point} | tmpfs:
            raise Invalid(f"Duplicate mount point: {point['Destination']}")
        done[point["Destination"]] = point
    for path in config.get("Volumes") or {}:
        destination = os.path.normpath(path)
        if destination not in done and destination not in tmpfs:
            done[destination] = volumes.point(volumes.anonymous(), destination, rw=True, mode="")
    return sorted(done.values(), key=lambda p: p["Destination"].count("/"))


def _check_tmpfs(options: str) -> None:
    for option in options.split(",") if options else []:
        name, equals, _ = option.partition("=")
        if name not in (_TMPFS_VALUES if equals else _TMPFS_FLAGS):
            raise Invalid(f'invalid tmpfs option "{name}"')


def _bind(text: str, volumes: Volumes) -> Point:
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise Invalid(f"invalid volume specification: '{text}'")
    source, destination, mode = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
    words = mode.split(",") if mode else []
    unknown = [w for w in words if w not in _MODES and w not in PROPAGATIONS]
    if unknown:
        raise Invalid(f"invalid mode: {mode}")
    destination = _destination(destination, f"invalid volume specification: '{text}': ")
    rw = "ro" not in words
    if not source.startswith("/"):
        return volumes.point(_volume_name(source), destination, rw=rw, mode=mode or "z")
    propagation = next((w for w in words if w in PROPAGATIONS), "rprivate")
    return {
        "Type": "bind",
        "Source": os.path.normpath(source),
        "Destination": destination,
        "Mode": mode,
        "RW": rw,
        "Propagation": propagation,
    }


def _volume_name(name: str) -> str:
    if not _VOLUME_NAME.fullmatch(name):
        raise Invalid(
            f'create {name}: "{name}" includes invalid characters for a local volume name, '
            'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. '
            "If you intended to pass a host directory, use absolute path"
        )
    return name


def _destination(path: str, where: str) -> str:
    kind = 'invalid mount config for type "bind": '
    if not path.startswith("/"):
        raise Invalid(f"{where}{kind}invalid mount path: '{path}' mount path must be absolute")
    if os.path.normpath(path) == "/":
        raise Invalid(f"{where}{kind}invalid specification: destination can't be '/'")
    return os.path.normpath(path)


def _mount(asked: dict[str, Any], volumes: Volumes) -> Point:
    kind = asked.get("Type") or ""
    if kind not in ("bind", "volume", "tmpfs"):
        raise Invalid(f'invalid mount config for type "{kind}": mount type unknown: "{kind}"')
    where = f'invalid mount config for type "{kind}": '
    target, source = asked.get("Target") or "", asked.get("Source") or ""
    if not target:
        raise Invalid(f"{where}field Target must not be empty")
    target, rw = _destination(target, ""), not asked.get("ReadOnly")
    if kind == "volume":
        if (asked.get("VolumeOptions") or {}).get("Subpath"):
            raise Invalid(f"{where}a Subpath is not carried out yet", hint="mount the whole volume")
        name = _volume_name(source) if source else volumes.anonymous()
        return volumes.point(name, target, rw=rw, mode="z")
    propagation = ""
    if kind == "bind":
        options = asked.get("BindOptions") or {}
        propagation = options.get("Propagation") or "rprivate"
        _check_source(source, where, make=bool(options.get("CreateMountpoint")))
    elif source:
        raise Invalid(f"{where}field Source must not be specified")
    return {
        "Type": kind,
        "Source": source,
        "Destination": target,
        "Mode": "",
        "RW": rw,
        "Propagation": propagation,
    }


def _check_source(source: str, where: str, *, make: bool) -> None:
    if not source:
        raise Invalid(f"{where}field Source must not be empty")
    if not source.startswith("/"):
        raise Invalid(f"{where}invalid mount path: '{source}' mount path must be absolute")
    if not os.path.exists(source) and not make:
        raise Invalid(f"{where}bind source path does not exist: {source}")


def make_sources(mount_points: Iterable[Point]) -> None:
    """Make the missing directories of the host that -v names, as Docker does."""
    for point in mount_points:
        if point["Type"] == "bind" and not os.path.lexists(point["Source"]):
            os.makedirs(point["Source"], exist_ok=True)


def oci_mounts(mount_points: Iterable[Point], host_config: dict[str, Any]) -> list[dict[str, Any]]:
    """The OCI mounts of all this, parents before children."""
    done = [
        _tmpfs(path, options.split(",") if options else [])
        for path, options in (host_config.get("Tmpfs") or {}).items()
    ]
    sizes = {os.path.normpath(m["Target"]): m for m in host_config.get("Mounts") or []}
    for point in mount_points:
        if point["Type"] == "tmpfs":
            done.append(_tmpfs(point["Destination"], _tmpfs_options(sizes, point)))
        else:
            done.append(_bound(point))
    return sorted(done, key=lambda m: m["destination"].count("/"))


def _tmpfs(path: str, options: list[str]) -> dict[str, Any]:
    exclusive = {"exec": "noexec", "suid": "nosuid", "dev": "nodev"}
    dropped = {exclusive[o] for o in options if o in exclusive}
    kept = [o for o in ("noexec", "nosuid", "nodev") if o not in dropped]
    return {
        "destination": os.path.normpath(path),
        "type": "tmpfs",
        "source": "tmpfs",
        "options": [*kept, "rprivate", *(o for o in options if o not in kept)],
    }


def _tmpfs_options(asked: dict[str, dict[str, Any]], point: Point) -> list[str]:
    options = (asked.get(point["Destination"]) or {}).get("TmpfsOptions") or {}
    done = [] if point["RW"] else ["ro"]
    if options.get("SizeBytes"):
        done.append(f"size={options['SizeBytes']}")
    if options.get("Mode"):
        done.append(f"mode={options['Mode']:o}")
    return done


def _bound(point: Point) -> dict[str, Any]:
    options = ["rbind"] if point["RW"] else ["rbind", "ro"]
    if point["Propagation"]:
        options.append(point["Propagation"])
    return {
        "destination": point["Destination"],
        "type": "bind",
        "source": point["Source"],
        "options": options,
    }
