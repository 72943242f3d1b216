"""create: from a request to a container that could be started.

    merge with the image, check ─▶ claim name and record ─▶ snapshot, folder ─▶ record is ready

A daemon that is killed between claim and ready finds the rest at its start and removes it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from boxship.daemon import checks, defaults, mounts, names, security
from boxship.daemon.container import Container, Record, State
from boxship.daemon.discard import remove_volumes
from boxship.daemon.waits import Waits
from boxship.model.errors import Invalid, NotFound
from boxship.model.platform import Platform

if TYPE_CHECKING:
    from boxship.daemon.parts import Parts
    from boxship.daemon.requests import CreateRequest
    from boxship.images.images import Image


async def create(parts: Parts, request: CreateRequest) -> tuple[str, list[str]]:
    """Returns the new container's id, and warnings."""
    image = parts.images.get(_image_name(request))
    _check_platform(request, image)
    container_id = secrets.token_hex(32)
    record = _record(parts, request, image, container_id)
    options = security.parsed(
        record.host_config["SecurityOpt"],
        privileged=record.host_config["Privileged"],
        default=parts.seccomp,
    )
    container = Container(record, State(), Waits())
    with ExitStack() as undo:
        parts.containers.claim(record.name, container_id)
        undo.callback(parts.containers.release, record.name, container_id)
        if _may_have_volumes(record):
            record.mounts = mounts.points(
                record.host_config, record.config, parts.volumes, _donors(parts, record)
            )
            parts.records.claim(record, container.state)  # before anything is made
            undo.callback(parts.records.delete, container_id)
            undo.callback(remove_volumes, parts, record)
            parts.volumes.make(record.mounts)
        undo.callback(_discard, parts, container_id)
        await parts.in_thread(_make, parts, record)
        parts.records.ready(record, container.state)
        undo.pop_all()
    parts.containers.add(container)
    parts.events.container(container, "create")
    warnings = [*options.warnings, *_warnings(record, request)]
    if not request.platform:
        warnings += _platform_warning(parts, image)
    return container_id, warnings


def _endpoints(request: CreateRequest) -> dict[str, Any]:
    asked = request.networking_config.get("EndpointsConfig") or {}
    return {"bridge" if name == "default" else name: e or {} for name, e in asked.items()}


def _may_have_volumes(record: Record) -> bool:
    asked = (record.host_config.get(field) for field in ("Binds", "Mounts", "VolumesFrom", "Tmpfs"))
    return any(asked) or bool(record.config["Volumes"])


def _image_name(request: CreateRequest) -> str:
    name = request.config.get("Image") or ""
    if not name:
        raise Invalid("no image specified", hint="name one: see 'docker images'")
    return str(name)


def _check_platform(request: CreateRequest, image: Image) -> None:
    """`--platform` must be the image's, or there is no such image, as Docker says."""
    if not request.platform:
        return
    asked = Platform.parse(request.platform)
    have = Platform(image.config.get("os") or "linux", image.config.get("architecture") or "")
    if (asked.os, asked.architecture) != (have.os, have.architecture):
        raise NotFound(
            f"image with reference {request.config['Image']} was found but does not provide "
            f"the specified platform ({request.platform})"
        )


def _platform_warning(parts: Parts, image: Image) -> list[str]:
    found = image.config.get("os") or "linux", image.config.get("architecture") or ""
    if found[1] in ("", parts.host.arch):
        return []
    return [
        f"The requested image's platform ({'/'.join(found)}) does not match the detected host "
        f"platform (linux/{parts.host.arch}) and no specific platform was requested"
    ]


def _record(parts: Parts, request: CreateRequest, image: Image, container_id: str) -> Record:
    host_config = _host_config(parts, request)
    mode = host_config["NetworkMode"]
    hostname = container_id[:12]
    if mode == "host" or host_config["UTSMode"] == "host":
        hostname = parts.host.name
    elif mode.startswith("container:"):
        donor = parts.containers.find(mode.partition(":")[2])  # start says if there is none
        hostname = donor.config["Hostname"] if donor else hostname
    config = defaults.config(request.config, image.config.get("config") or {}, hostname=hostname)
    checks.check(config, host_config, parts.host)
    _check_runtime(parts, host_config)
    _check_links(parts, host_config)
    endpoints = _endpoints(request)
    checks.check_endpoints(endpoints)
    path, args = defaults.command(config)
    name = names.checked(request.name) if request.name else None
    logged = host_config["LogConfig"]["Type"] == "json-file"
    return Record(
        id=container_id,
        name=name or names.generate(parts.containers.taken, parts.chance),
        created_ns=parts.clock(),
        image_id=image.id,
        image_ref=request.config["Image"],
        config=config,
        host_config=host_config,
        networking=endpoints,
        path=path,
        args=args,
        platform="linux",
        top_layer=image.top_layer,
        log_path=f"{parts.folder(container_id)}/{container_id}-json.log" if logged else "",
    )


def _host_config(parts: Parts, request: CreateRequest) -> dict[str, Any]:
    config = parts.config
    done = defaults.host_config(
        request.host_config,
        log_driver=config.log_driver,
        log_options=config.log_opts,
        cgroup_v2=parts.host.cgroup_v2,
    )
    _fill_in(parts, done, request.host_config)
    for field in ("NetworkMode", "IpcMode", "PidMode"):
        ref = (done[field] or "").removeprefix("container:")
        if ref and ref != done[field]:  # names may change, ids stay
            found = parts.containers.find(ref)
            if found is None and field != "NetworkMode":
                raise _no_container(ref)
            done[field] = f"container:{found.id}" if found else done[field]
    return done


def _fill_in(parts: Parts, done: dict[str, Any], asked: dict[str, Any]) -> None:
    """What the daemon's flags and this host decide where the request does not."""
    config = parts.config
    done["Runtime"] = done["Runtime"] or config.runtime
    if not parts.host.blkio_weight:
        done["BlkioWeight"] = 0
    if not asked.get("IpcMode"):
        done["IpcMode"] = config.default_ipc_mode
    if not asked.get("ShmSize"):
        done["ShmSize"] = checks.size(config.default_shm_size)
    if not asked.get("CgroupnsMode") and config.default_cgroupns_mode:
        done["CgroupnsMode"] = config.default_cgroupns_mode
    if done.get("Init") is None and config.init:
        done["Init"] = True


def _no_container(ref: str) -> Invalid:
    """Not NotFound: at create that would mean the image, which clients then pull."""
    return Invalid(f"No such container: {ref}")


def _check_runtime(parts: Parts, host_config: dict[str, Any]) -> None:
    known = parts.runtimes
    if host_config["Runtime"] not in known:
        raise Invalid(
            f"unknown or invalid runtime name: {host_config['Runtime']}",
            hint=f"known are {', '.join(sorted(known))}; --add-runtime adds one",
        )


def _check_links(parts: Parts, host_config: dict[str, Any]) -> None:
    for link in host_config["Links"] or []:
        ref = link.partition(":")[0]
        if parts.containers.find(ref) is None:
            raise Invalid(f"could not get container for {ref}: No such container: {ref}")
        raise Invalid("links between containers are not there yet", hint="use a network")


def _donors(parts: Parts, record: Record) -> list[Container]:
    donors = []
    for ref in record.host_config["VolumesFrom"] or []:
        found = parts.containers.find(ref.partition(":")[0])
        if found is None:
            raise _no_container(ref)
        donors.append(found)
    return donors


def _make(parts: Parts, record: Record) -> None:
    os.makedirs(parts.folder(record.id), mode=0o710)
    parts.layers.create(record.id, record.top_layer)


def _discard(parts: Parts, container_id: str) -> None:
    import shutil

    parts.layers.remove(container_id)
    shutil.rmtree(parts.folder(container_id), ignore_errors=True)


def _warnings(record: Record, request: CreateRequest) -> list[str]:
    host_config = record.host_config
    warnings = []
    if request.host_config.get("BlkioWeight") and not host_config["BlkioWeight"]:
        warnings.append(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. "
            "Weight discarded."
        )
    published = host_config["PortBindings"] or host_config["PublishAllPorts"]
    if host_config["NetworkMode"] == "host" and published:
        warnings.append("Published ports are discarded when using host network mode")
    if host_config["OomKillDisable"] and not host_config["Memory"]:
        warnings.append(
            "OOM killer is disabled for the container, but no memory limit is set, "
            "this can result in the system running out of resources."
        )
    test = (record.config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    if test[0] != "NONE":
        warnings.append(
            "Health checks are not carried out yet. The container has no health status."
        )
    return warnings
