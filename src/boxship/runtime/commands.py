"""Commands of `boxship-runtime` that change something."""

import os

from boxship.model.errors import Invalid
from boxship.runtime import documents, spec, state
from boxship.runtime.flags import BOOL, LIST, VALUE, Arguments, parse
from boxship.runtime.operations import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from boxship.runtime.create import Options

_PROCESS = {"console-socket": VALUE, "pid-file": VALUE, "preserve-fds": VALUE}
_CREATE = {**_PROCESS, "bundle": VALUE, "no-pivot": BOOL, "no-new-keyring": BOOL}
_RUN = {**_CREATE, "detach": BOOL, "keep": BOOL, "no-subreaper": BOOL}
_EXEC = {
    **_PROCESS, "cwd": VALUE, "env": LIST, "tty": BOOL, "user": VALUE, "additional-gids": LIST,
    "process": VALUE, "detach": BOOL, "process-label": VALUE, "apparmor": VALUE,
    "no-new-privs": BOOL, "cap": LIST, "cgroup": LIST, "ignore-paused": BOOL,
}  # fmt: skip
_EXEC_SHORT = {
    "e": "env", "t": "tty", "u": "user", "g": "additional-gids", "p": "process",
    "d": "detach", "c": "cap",
}  # fmt: skip
_UPDATE = dict.fromkeys(
    (
        "resources", "memory", "memory-reservation", "memory-swap", "cpu-period", "cpu-quota",
        "cpu-share", "cpu-burst", "cpuset-cpus", "cpuset-mems", "pids-limit", "blkio-weight",
        "cpu-idle",
    ),
    VALUE,
)  # fmt: skip


def container_id(arguments: Arguments, command: str) -> str:
    """The one argument that every command needs."""
    if not arguments.rest or not arguments.rest[0]:
        raise Invalid(f'"{command}" requires a container id')
    return arguments.rest[0]


def _options(arguments: Arguments) -> "Options":
    from boxship.runtime.create import Options

    options = Options((0, 1, 2), parent=False)
    options.preserve_fds = (arguments.number("preserve-fds") or 0) + _listen_fds()
    options.keyring = not arguments.has("no-new-keyring")
    options.pivot = not arguments.has("no-pivot")
    return options


def _listen_fds() -> int:
    """Sockets that systemd passed on (sd_listen_fds(3)) go through to the container."""
    text = os.environ.get("LISTEN_FDS", "0")
    return int(text) if text.isdigit() else 0


def _console(path: str) -> int:
    """A connection to --console-socket; it is the process's to close."""
    import _socket

    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        connection.connect(path)
    except OSError as error:
        raise Invalid(f"console socket {path}: {reason(error)}") from error
    return connection.detach()


def _write_pid(arguments: Arguments, pid: int) -> None:
    path = arguments.value("pid-file")
    if path:
        documents.replace(path, str(pid).encode(), 0o644)


def create(words: list[str], root: str) -> int:
    """`create [--bundle DIR] [--pid-file FILE] [--console-socket PATH] ID`."""
    from boxship.runtime.create import Creation

    arguments = parse(words, _CREATE, {"b": "bundle"})
    name = container_id(arguments, "create")
    options = _options(arguments)
    if arguments.value("console-socket"):
        options.console = _console(arguments.value("console-socket"))
    bundle = _bundle(arguments)
    _write_pid(arguments, Creation(name, bundle, root, options).run())
    return 0


def _bundle(arguments: Arguments) -> spec.Bundle:
    bundle = spec.load(arguments.value("bundle", "."))
    if bundle.process and _listen_fds():
        env = bundle.process.setdefault("env", [])
        env += [f"LISTEN_FDS={_listen_fds()}", "LISTEN_PID=1"]
    return bundle


def start(words: list[str], root: str) -> int:
    """`start ID`."""
    from boxship.runtime.start import start

    start(container_id(parse(words, {}), "start"), root)
    return 0


def run(words: list[str], root: str) -> int:
    """`run [--detach] ID`: create, start, wait, delete."""
    from boxship.runtime.create import Creation
    from boxship.runtime.delete import delete
    from boxship.runtime.foreground import Foreground
    from boxship.runtime.start import start

    arguments = parse(words, _RUN, {"b": "bundle", "d": "detach"})
    name = container_id(arguments, "run")
    bundle = _bundle(arguments)
    detach = arguments.has("detach")
    front = Foreground(_options(arguments), terminal=bool(bundle.process.get("terminal")))
    front.choose_console(_console, arguments.value("console-socket"), detach=detach)
    pid = Creation(name, bundle, root, front.options).run()
    try:
        _write_pid(arguments, pid)
        start(name, root)
    except BaseException:
        delete(name, root, force=True)
        raise
    if detach:
        return 0
    status = front.wait(pid)
    if not arguments.has("keep"):
        delete(name, root, force=True)
    return status


def exec_(words: list[str], root: str) -> int:
    """`exec [flags] ID COMMAND [ARGUMENTS]` or `exec --process FILE ID`."""
    from boxship.runtime.execute import execute_with
    from boxship.runtime.foreground import Foreground

    arguments = parse(words, _EXEC, _EXEC_SHORT)
    container = state.load(container_id(arguments, "exec"), root)
    process = exec_process(container, arguments)
    front = Foreground(_options(arguments), terminal=bool(process.get("terminal")))
    detach = arguments.has("detach")
    front.choose_console(_console, arguments.value("console-socket"), detach=detach)
    paused = arguments.has("ignore-paused")
    pid = execute_with(container, process, front.options, paused=paused)
    _write_pid(arguments, pid)
    return 0 if detach else front.wait(pid)


def exec_process(container: state.State, arguments: Arguments) -> "dict[str, Any]":
    """The OCI process that the flags describe, upon that of the container."""
    if arguments.value("process"):
        path = arguments.value("process")
        try:
            parsed: dict[str, Any] = documents.parse(documents.read(path), path)
        except OSError as error:
            raise Invalid(f"read {path}: {reason(error)}") from error
        return parsed
    command = arguments.rest[1:]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        raise Invalid("exec args cannot be empty")
    process = dict(container.spec.get("process") or {})
    process |= {"args": command, "terminal": arguments.has("tty")}
    if arguments.value("cwd"):
        process["cwd"] = arguments.value("cwd")
    process["env"] = [*(process.get("env") or ()), *arguments.values("env")]
    if arguments.has("no-new-privs"):
        process["noNewPrivileges"] = True
    _change_user(process, arguments)
    _add_capabilities(process, arguments.values("cap"))
    return process


def _change_user(process: "dict[str, Any]", arguments: Arguments) -> None:
    user = dict(process.get("user") or {})
    if arguments.value("user"):
        uid, _, gid = arguments.value("user").partition(":")
        if not uid.isdigit() or (gid and not gid.isdigit()):
            raise Invalid(f"parsing {arguments.value('user')!r} as uid[:gid] failed")
        user = {"uid": int(uid), "gid": int(gid or user.get("gid") or 0)}
    gids = [int(gid) for gid in arguments.values("additional-gids")]
    if gids:
        user["additionalGids"] = [*(user.get("additionalGids") or ()), *gids]
    process["user"] = user


def _add_capabilities(process: "dict[str, Any]", names: list[str]) -> None:
    if not names:
        return
    sets = process.get("capabilities") or {}
    kept = ("bounding", "effective", "permitted", "ambient")
    added = {key: [*(sets.get(key) or ()), *names] for key in kept}
    process["capabilities"] = {**sets, **added}


def kill(words: list[str], root: str) -> int:
    """`kill [--all] ID [SIGNAL]`."""
    from boxship.runtime.kill import kill

    arguments = parse(words, {"all": BOOL}, {"a": "all"})
    name = container_id(arguments, "kill")
    signal = arguments.rest[1] if len(arguments.rest) > 1 else "SIGTERM"
    kill(name, root, signal_number(signal), arguments.has("all"))
    return 0


def signal_number(word: str) -> int:
    """15, TERM, SIGTERM, SIGRTMIN+3."""
    import _signal  # type: ignore[import-not-found]  # signal imports enum

    if word.isdigit():
        number = int(word)
    else:
        base, plus, offset = word.upper().partition("+")
        name = base if base.startswith("SIG") else f"SIG{base}"
        number = int(getattr(_signal, name, 0)) + int(offset if plus and offset.isdigit() else 0)
    if not 0 < number < 65:
        raise Invalid(f'unknown signal "{word}"')
    return number


def delete(words: list[str], root: str) -> int:
    """`delete [--force] ID`."""
    from boxship.runtime.delete import delete

    arguments = parse(words, {"force": BOOL}, {"f": "force"})
    delete(container_id(arguments, "delete"), root, arguments.has("force"))
    return 0


def pause(words: list[str], root: str) -> int:
    """`pause ID`."""
    from boxship.runtime.pause import pause

    pause(container_id(parse(words, {}), "pause"), root)
    return 0


def resume(words: list[str], root: str) -> int:
    """`resume ID`."""
    from boxship.runtime.pause import resume

    resume(container_id(parse(words, {}), "resume"), root)
    return 0


def update(words: list[str], root: str) -> int:
    """`update [--memory N] [--cpu-quota N] ... ID`, or `update --resources FILE ID`."""
    from boxship.runtime.update import update

    arguments = parse(words, _UPDATE, {"r": "resources"})
    update(container_id(arguments, "update"), root, _resources(arguments))
    return 0


def _resources(arguments: Arguments) -> "dict[str, Any]":
    path = arguments.value("resources")
    if path:
        parsed: dict[str, Any] = documents.parse(
            documents.read("/dev/stdin" if path == "-" else path), path
        )
        return parsed
    sections: dict[str, dict[str, Any]] = {"memory": {}, "cpu": {}, "pids": {}, "blockIO": {}}
    for flag, section, key in _UPDATES:
        value = arguments.number(flag)
        if value is not None:
            sections[section][key] = value
    for key in ("cpus", "mems"):
        if arguments.value(f"cpuset-{key}"):
            sections["cpu"][key] = arguments.value(f"cpuset-{key}")
    return {section: values for section, values in sections.items() if values}


_UPDATES = (
    ("memory", "memory", "limit"),
    ("memory-reservation", "memory", "reservation"),
    ("memory-swap", "memory", "swap"),
    ("cpu-period", "cpu", "period"),
    ("cpu-quota", "cpu", "quota"),
    ("cpu-share", "cpu", "shares"),
    ("cpu-burst", "cpu", "burst"),
    ("cpu-idle", "cpu", "idle"),
    ("pids-limit", "pids", "limit"),
    ("blkio-weight", "blockIO", "weight"),
)

COMMANDS: "dict[str, Callable[[list[str], str], int]]" = {
    "create": create,
    "start": start,
    "run": run,
    "exec": exec_,
    "kill": kill,
    "delete": delete,
    "pause": pause,
    "resume": resume,
    "update": update,
}
