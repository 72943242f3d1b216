"""exec: one more process in a container that runs."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from boxship.daemon import capabilities, detach, prepare
from boxship.daemon.attach import closer
from boxship.daemon.environment import environment, merged
from boxship.daemon.runtimes import io_of
from boxship.daemon.spec import capability_sets, rlimits
from boxship.daemon.start import exit_code
from boxship.daemon.stdio import LogTarget, Wanted
from boxship.daemon.streams import Input, relay
from boxship.model.errors import BoxshipError, Conflict, Invalid, System
from boxship.storage.roots import Root

if TYPE_CHECKING:
    from boxship.daemon.channel import ByteChannel
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts
    from boxship.daemon.requests import ExecStart
    from boxship.daemon.stdio import Streams
    from boxship.daemon.users import User

KEPT_ENDED = 64  # ended execs of a container that can still be inspected


class Exec:
    """A process that was asked for; `exit_code` is None until it has ended."""

    def __init__(self, container: Container, config: dict[str, Any]) -> None:
        """It does not run yet."""
        self.id = secrets.token_hex(32)
        self.container = container
        self.config = config
        self.pid = 0
        self.exit_code: int | None = None
        self.started = False
        self.running = False
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def ended(self) -> bool:
        """Whether it has run to its end."""
        return self.exit_code is not None

    @property
    def tty(self) -> bool:
        """Whether it has a terminal."""
        return bool(self.config.get("Tty"))

    def end(self, code: int) -> None:
        """It ended; once."""
        if self.exit_code is None:
            self.exit_code = code
            self.running = False
            self.pid = 0
            self.done.set_result(code)

    def container_ended(self) -> None:
        """Its container ended, so it did."""
        self.end(137)


async def create(parts: Parts, c: Container, config: dict[str, Any]) -> Exec:
    """`docker exec`, first half."""
    _check(c)
    if not config.get("Cmd"):
        raise Invalid("No exec command specified")
    detach.parsed(config.get("DetachKeys"))
    if config.get("User"):  # who is unknown is refused here; the container says how long it takes
        await parts.in_thread(_user, parts, c, config["User"])
        _check(c)
    command = Exec(c, config)
    ended = [e.id for e in c.execs.values() if e.ended]
    for old in ended[: max(0, len(ended) - KEPT_ENDED)]:
        del c.execs[old]
    c.execs[command.id] = command
    parts.events.container(c, f"exec_create: {_words(config)}", execID=command.id)
    return command


def _check(c: Container) -> None:
    if not c.state.running:
        raise Conflict(f"container {c.id} is not running")
    if c.state.paused:
        raise Conflict(f"Container {c.name} is paused, unpause the container before exec")
    if c.state.restarting:
        raise Conflict(f"Container {c.id} is restarting, wait until the container is running")


def _words(config: dict[str, Any]) -> str:
    command = config["Cmd"]
    return f"{command[0]} {' '.join(command[1:])}"


async def start(parts: Parts, command: Exec, asked: ExecStart, channel: ByteChannel | None) -> None:
    """Second half; returns when the output has ended or the client left, or at once if detached."""
    c = command.container
    if command.ended:
        raise Conflict(f"exec command {command.id} has already run")
    if command.started:
        raise Conflict(f"exec command {command.id} is already running")
    _check(c)
    command.started = True
    config = command.config
    parts.events.container(c, f"exec_start: {_words(config)}", execID=command.id)
    if channel is None:
        await _launch(parts, command, asked, None)
        return
    wanted = _wanted(command)
    connected = await _launch(parts, command, asked, wanted)
    assert connected is not None
    keys = detach.parsed(config.get("DetachKeys")) if command.tty else None
    plan = Input(wanted.stdin, keys, None if command.tty else closer(parts, c, command.id))
    left = await relay(channel, connected, plan)
    if not left:  # the output has ended; the exit is on its way
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(command.done), 10.0)


async def _launch(
    parts: Parts, command: Exec, asked: ExecStart, wanted: Wanted | None
) -> Streams | None:
    """Start it; the client's end of its streams, connected before its first byte, if wanted."""
    c, io = command.container, io_of(parts, command.container)
    stdin = wanted is not None and wanted.stdin
    streams = io.make(command.id, terminal=command.tty, stdin=stdin, log=LogTarget())
    connected: Streams | None = None
    try:
        process = await _process(parts, command, asked)
        await parts.tasks.exec(c.id, command.id, process, streams)
        if wanted is not None:
            connected = await io.attach(command.id, wanted)
        command.pid = await parts.tasks.start(c.id, command.id)
        command.running = not command.ended
    except (BoxshipError, OSError) as e:
        if connected is not None:
            connected.close()
        io.drop(command.id)
        raise await _failed(parts, command, e) from e
    return connected


def _wanted(command: Exec) -> Wanted:
    return Wanted(
        stdin=bool(command.config.get("AttachStdin")),
        stdout=command.tty or bool(command.config.get("AttachStdout")),
        stderr=bool(command.config.get("AttachStderr")),
        close_stdin=not command.tty,
    )


async def _failed(parts: Parts, command: Exec, error: BoxshipError | OSError) -> BoxshipError:
    text = str(error)
    if "OCI runtime exec failed" not in text:
        text = f"OCI runtime exec failed: exec failed: {text}"
    code = exit_code(text)
    command.end(code if code != 128 else 126)
    with suppress(BoxshipError):
        await parts.tasks.delete_process(command.container.id, command.id)
    return System(text) if code == 128 else Invalid(text)


async def _process(parts: Parts, command: Exec, asked: ExecStart) -> dict[str, Any]:
    c, config = command.container, command.config
    user = await parts.in_thread(_user, parts, c, config.get("User") or c.config["User"])
    privileged = bool(config.get("Privileged"))
    allowed = capabilities.tweaked(
        capabilities.normalized(c.host_config["CapAdd"], "CapAdd"),
        capabilities.normalized(c.host_config["CapDrop"], "CapDrop"),
        privileged=privileged or bool(c.host_config["Privileged"]),
        supported=parts.capabilities,
    )
    variables = environment(c.config["Hostname"], tty=command.tty, asked=c.config["Env"])
    process: dict[str, Any] = {
        "terminal": command.tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)},
        "args": list(config["Cmd"]),
        "env": merged(variables, config.get("Env")),
        "cwd": config.get("WorkingDir") or c.config["WorkingDir"] or "/",
        "capabilities": capability_sets(allowed),
        "noNewPrivileges": _no_new_privileges(parts, c),
        "oomScoreAdj": c.host_config["OomScoreAdj"] or 0,
    }
    size = asked.console_size or config.get("ConsoleSize")
    if command.tty and size and any(size):
        process["consoleSize"] = {"height": size[0], "width": size[1]}
    if limits := rlimits(list(parts.config.default_ulimits), c.host_config["Ulimits"]):
        process["rlimits"] = limits
    return process


def _no_new_privileges(parts: Parts, c: Container) -> bool:
    from boxship.daemon.security import parsed

    options = parsed(c.host_config["SecurityOpt"], privileged=True, default=None)
    return options.no_new_privileges or parts.config.no_new_privileges


def _user(parts: Parts, c: Container, asked: str) -> User:
    with Root(parts.layers.mount(c.id)) as inside:
        return prepare.user_of(inside, asked, c.host_config["GroupAdd"] or [])


async def ended(parts: Parts, command: Exec, code: int) -> None:
    """The supervisor says that an exec has ended."""
    if command.ended:
        return
    command.end(code)
    c = command.container
    parts.events.container(c, "exec_die", execID=command.id, exitCode=str(code))
    with suppress(BoxshipError):
        await parts.tasks.delete_process(c.id, command.id)
    io_of(parts, c).drop(command.id)
