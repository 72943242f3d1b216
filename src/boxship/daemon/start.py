"""start: from a container that was created, or has ended, to one that runs.

    root, user, files (thread) ┐
    network endpoint (thread)  ┴▶ spec ▶ Create ▶ attached clients connect ▶ Start ▶ record, event

Whatever fails takes back all that was done, and is kept as the container's error.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from boxship.daemon import attachments, capabilities, devices, prepare, release, security, stdio
from boxship.daemon.checks import size
from boxship.daemon.discard import remove_locked
from boxship.daemon.runtimes import io_of, runtime_of
from boxship.daemon.spec import SpecInputs, build_spec
from boxship.model import container as states
from boxship.model.errors import BoxshipError, Conflict, Invalid, NotModified, System

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts
    from boxship.network.values import Attachment

log = logging.getLogger(__name__)

NOT_FOUND, NOT_EXECUTABLE, BROKEN = 127, 126, 128

_BY_RUNTIME = "failed to create task for container"
# The client tells 127 and 126 apart by these words, so they must be in the message.
_MISSING = ("executable file not found", "no such file or directory", "system cannot find")
_REFUSED = ("permission denied", "not a directory", "is a directory", "exec format error")


async def start(parts: Parts, c: Container) -> None:
    """`docker start`; NotModified when it runs already."""
    async with c.work:
        if c.state.status == states.PAUSED:
            raise Conflict("cannot start a paused container, try unpause instead")
        if c.state.status == states.RUNNING:
            raise NotModified(f"container {c.id} is running already")
        if c.state.status in (states.REMOVING, states.DEAD):
            raise Conflict("container is marked for removal and cannot be started")
        if c.restart is not None:
            c.restart.cancel()
            c.restart = None
        c.state.stopped_by_hand = False
        c.state.restart_count = 0
        c.backoff_s = 0.0
        await start_locked(parts, c)


async def start_locked(parts: Parts, c: Container) -> None:
    """The same for whoever has the container's work."""
    try:
        pid = await _launch(parts, c)
    except BaseException as e:
        await _failed(parts, c, e)
        raise
    c.state.pid = pid
    c.state.exit_code = 0
    c.state.error = ""
    c.state.oom_killed = False
    c.state.started_before = True
    c.state.started_at_ns = parts.clock()
    parts.move(c, "start")
    parts.events.container(c, "start")
    await c.attaching.connect(io_of(parts, c), c.id)  # whoever came between Create and now


async def _failed(parts: Parts, c: Container, error: BaseException) -> None:
    c.attaching.fail()
    if isinstance(error, asyncio.CancelledError):
        return
    c.state.error = text = str(error)
    c.state.exit_code = exit_code(text) if text.startswith(_BY_RUNTIME) else BROKEN
    if c.state.restarting:
        c.state.move("give up")
        c.waits.exited(c.state)
    parts.records.save(c.id, c.state)
    if c.auto_remove and not c.keep:
        await remove_locked(parts, c, volumes=True)


def exit_code(text: str) -> int:
    """The exit code of a container whose program never ran."""
    if any(words in text for words in _MISSING):
        return NOT_FOUND
    return NOT_EXECUTABLE if any(words in text for words in _REFUSED) else BROKEN


async def _launch(parts: Parts, c: Container) -> int:
    async with AsyncExitStack() as undo:
        prepared, attached = await _grounds(parts, c, undo)
        spec = build_spec(_inputs(parts, c, prepared, attached))
        io = io_of(parts, c)
        streams = io.make(
            c.id, terminal=c.tty, stdin=bool(c.config["OpenStdin"]), log=log_target(c)
        )
        undo.callback(io.drop, c.id)
        undo.push_async_callback(parts.tasks.delete, c.id)
        try:
            pid = await parts.tasks.create(c.id, runtime_of(parts, c), spec, streams, {})
            await c.attaching.connect(io, c.id)
            pid = await parts.tasks.start(c.id) or pid
        except BoxshipError as e:
            raise _as_docker(e) from e
        undo.pop_all()
        return pid


async def _grounds(
    parts: Parts, c: Container, undo: AsyncExitStack
) -> tuple[prepare.Prepared, Attachment | None]:
    """Root and network at once; if one fails, the other is taken back."""
    mode = c.host_config["NetworkMode"]
    undo.push_async_callback(release.root, parts, c)
    if mode.startswith("container:"):
        return await parts.in_thread(prepare.prepare, parts, c), None
    undo.push_async_callback(release.network, parts, c)
    prepared, attached = await asyncio.gather(
        parts.in_thread(prepare.prepare, parts, c),
        parts.networks.attach(attachments.request(c)),
        return_exceptions=True,
    )
    if isinstance(prepared, BaseException):
        raise prepared
    if isinstance(attached, BoxshipError):
        text = f"failed to set up container networking: {attached.message}"
        raise type(attached)(text, hint=attached.hint) from attached
    if isinstance(attached, BaseException):
        raise attached
    c.network_settings = attachments.settings(c, attached)
    release.publish(parts, c, "connect")
    return prepared, attached


def _inputs(
    parts: Parts, c: Container, prepared: prepare.Prepared, attached: Attachment | None
) -> SpecInputs:
    host_config = c.host_config
    nodes, rules = devices.devices(host_config)
    allowed = capabilities.tweaked(
        capabilities.normalized(host_config["CapAdd"], "CapAdd"),
        capabilities.normalized(host_config["CapDrop"], "CapDrop"),
        privileged=bool(host_config["Privileged"]),
        supported=parts.capabilities,
    )
    options = security.parsed(
        host_config["SecurityOpt"],
        privileged=bool(host_config["Privileged"]),
        default=parts.seccomp,
    )
    return SpecInputs(
        container_id=c.id,
        path=c.path,
        args=c.args,
        config=c.config,
        host_config=host_config,
        root=prepared.root,
        user=prepared.user,
        hostname=c.config["Hostname"],
        capabilities=allowed,
        cgroups_path=f"{host_config['CgroupParent'] or parts.config.cgroup}/{c.id}",
        namespaces=_namespaces(parts, c, attached),
        files=_files(parts, c, attached.ip if attached else ""),
        mount_points=c.mounts,
        devices=nodes,
        device_rules=rules,
        ulimits=list(parts.config.default_ulimits),
        seccomp=parts.filters.get(options.profile, allowed),
        no_new_privileges=options.no_new_privileges or parts.config.no_new_privileges,
        shm=_shm(parts, c),
        init=_init(parts) if host_config.get("Init") else "",
    )


def _files(parts: Parts, c: Container, ip: str) -> dict[str, str]:
    mode = c.host_config["NetworkMode"]
    if mode.startswith("container:"):
        folder = parts.folder(mode.partition(":")[2])
        return {f"/etc/{name}": f"{folder}/{name}" for name in prepare.FILES}
    return prepare.write_network_files(parts, c, ip)


def _namespaces(parts: Parts, c: Container, attached: Attachment | None) -> dict[str, str | None]:
    host_config = c.host_config
    done: dict[str, str | None] = {}
    mode = host_config["NetworkMode"]
    if network := _network_namespace(parts, mode, attached):
        done["network"] = network
    if host_config["UTSMode"] != "host" and mode != "host":
        done["uts"] = None
    for kind, field in (("pid", "PidMode"), ("ipc", "IpcMode")):
        asked = host_config[field] or ""
        if asked.startswith("container:"):
            done[kind] = f"/proc/{_donor(parts, asked).state.pid}/ns/{kind}"
        elif asked != "host":
            done[kind] = None
    if host_config["CgroupnsMode"] == "private":
        done["cgroup"] = None
    return done


def _network_namespace(parts: Parts, mode: str, attached: Attachment | None) -> str:
    if attached is not None:
        return attached.sandbox_path
    try:
        donor = _donor(parts, mode)
    except BoxshipError as e:
        raise System(f"joining network namespace of container: {e}") from e
    return "" if donor.host_config["NetworkMode"] == "host" else f"/proc/{donor.state.pid}/ns/net"


def _donor(parts: Parts, mode: str) -> Container:
    donor = parts.containers.get(mode.partition(":")[2])
    if not donor.state.alive:
        raise Conflict(f"cannot join namespace of a non running container: {donor.id}")
    return donor


def _shm(parts: Parts, c: Container) -> str:
    mode = c.host_config["IpcMode"]
    if mode == "host":
        return "/dev/shm"
    if mode == "shareable":
        return parts.shm(c.id)
    if not mode.startswith("container:"):
        return ""
    donor = _donor(parts, mode)
    if donor.host_config["IpcMode"] == "host":
        return "/dev/shm"
    if donor.host_config["IpcMode"] != "shareable":
        raise Invalid(
            f"container {donor.id}: non-shareable IPC "
            "(hint: use IpcMode:shareable for the donor container)"
        )
    return parts.shm(donor.id)


def _init(parts: Parts) -> str:
    import shutil

    names = ("docker-init", "tini-static", "tini")  # it runs inside, so a static one is best
    found = parts.config.init_path or next(filter(None, map(shutil.which, names)), "")
    if not found:
        raise Invalid(
            'exec: "docker-init": executable file not found in $PATH',
            hint="install tini, or name an init with --init-path",
        )
    return found


def log_target(c: Container) -> stdio.LogTarget:
    """Where a container's output is kept."""
    options = c.host_config["LogConfig"].get("Config") or {}
    return stdio.LogTarget(
        c.log_path, size(options.get("max-size", "-1")), int(options.get("max-file", "1"))
    )


def _as_docker(error: BoxshipError) -> BoxshipError:
    """Docker's words around the runtime's, and the status: 400 where the program is at fault."""
    text = str(error)
    if "OCI runtime create failed" not in text:
        text = f"OCI runtime create failed: {text}"
    if "failed to create shim task" not in text:
        text = f"failed to create shim task: {text}"
    text = f"{_BY_RUNTIME}: {text}"
    kind: type[BoxshipError] = System if exit_code(text) == BROKEN else Invalid
    return kind(text)
