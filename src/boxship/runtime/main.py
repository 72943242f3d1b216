"""`boxship-runtime`: runc's command line over the library.

Commands that change something are in commands.py, those that only tell in reports.py.
"""

import os
import sys
import time

from boxship.model.errors import BoxshipError, Invalid
from boxship.runtime.flags import BOOL, VALUE, Arguments, parse

VERSION = "0.1.0"
DEFAULT_ROOT = "/run/boxship-runtime"

_GLOBAL = {
    "debug": BOOL, "log": VALUE, "log-format": VALUE, "root": VALUE, "criu": VALUE,
    "systemd-cgroup": BOOL, "rootless": VALUE, "help": BOOL, "version": BOOL,
}  # fmt: skip

# The module of each command, and whether its process enters a container: such a one runs from a
# sealed copy of the interpreter (CVE-2019-5736).
_COMMANDS = {
    "create": ("commands", True),
    "run": ("commands", True),
    "exec": ("commands", True),
    "start": ("commands", False),
    "kill": ("commands", False),
    "delete": ("commands", False),
    "pause": ("commands", False),
    "resume": ("commands", False),
    "update": ("commands", False),
    "state": ("reports", False),
    "list": ("reports", False),
    "ps": ("reports", False),
    "events": ("reports", False),
    "features": ("reports", False),
    "spec": ("reports", False),
}
_USAGE = """NAME:
   boxship-runtime - run OCI bundles, with the command line of runc

USAGE:
   boxship-runtime [global options] command [command options] [arguments...]

COMMANDS:
   create    create a container
   delete    delete any resources held by the container
   events    display container events and usage statistics
   exec      execute new process inside the container
   features  show the enabled features
   kill      send the specified signal (default: SIGTERM) to the container's init process
   list      list containers with the given root
   pause     suspend all processes inside the container
   ps        display the processes running inside a container
   resume    resume all processes that have been paused
   run       create and run a container
   spec      create a new specification file
   start     execute the user defined process in a created container
   state     output the state of a container
   update    update container resource constraints

GLOBAL OPTIONS:
   --debug             enable debug logging
   --log value         set the log file to write logs to (default is '/dev/stderr')
   --log-format value  set the log format ('text' (default), or 'json')
   --root value        directory of the state (default: "/run/boxship-runtime")
   --systemd-cgroup    refused: this runtime manages control groups itself
   --rootless value    accepted and ignored
   --help, -h          show help
   --version, -v       print the version"""


def main(argv: list[str]) -> int:
    """Run one command; 0, 1 for an error, or the exit status of a program in the foreground."""
    try:
        options = parse(argv, _GLOBAL, {"h": "help", "v": "version"})
    except BoxshipError as error:
        return _fail(None, error, 1)
    if options.has("version"):
        print(f"boxship-runtime version {VERSION}\nspec: 1.2.1")  # noqa: T201
        return 0
    if options.has("help") or not options.rest or options.rest[0] in ("help", "h"):
        print(_USAGE)  # noqa: T201
        return 0
    return _command(argv, options)


def _command(argv: list[str], options: Arguments) -> int:
    name = options.rest[0]
    try:
        if name not in _COMMANDS:
            raise Invalid(f"No help topic for '{name}'", hint="see boxship-runtime --help")
        if options.has("systemd-cgroup"):
            raise Invalid(
                "--systemd-cgroup is not supported",
                hint="leave it out: this runtime manages control groups itself",
            )
        module, enters = _COMMANDS[name]
        if enters:
            _be_sealed(argv)
        commands = __import__(f"boxship.runtime.{module}", fromlist=[module])
        root = options.value("root", DEFAULT_ROOT)
        return int(commands.COMMANDS[name](options.rest[1:], root))
    except BoxshipError as error:
        return _fail(options, error, 255 if name == "exec" else 1)


def _be_sealed(argv: list[str]) -> None:
    from boxship.kernel import sealed

    if not sealed.is_sealed():
        code = "from boxship.runtime.main import main; sys.exit(main(sys.argv[1:]))"
        sealed.execute(code, argv)


def _fail(options: Arguments | None, error: BoxshipError, status: int) -> int:
    """To standard error, and to the log, which containerd reads the reason from."""
    print(f"boxship-runtime: {error}", file=sys.stderr)  # noqa: T201
    path = options.value("log") if options else ""
    if options and path and path != "/dev/stderr":
        from boxship.runtime import documents

        clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f'time="{clock}" level=error msg={documents.render(str(error))}'
        if options.value("log-format") == "json":
            line = documents.render({"level": "error", "msg": str(error), "time": clock})
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        os.write(fd, f"{line}\n".encode())
        os.close(fd)
    return status
