"""Chooses the program: client, daemon, supervisor, shim, runtime; imports only that one."""

import sys

PROGRAMS = {
    "daemon": "boxship.daemon.main",
    "supervisor": "boxship.supervisor.main",
    "shim": "boxship.shim.main",
}


def main() -> int:
    """`boxship ...`: a program by its name, else the client."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in PROGRAMS:
        return _run(PROGRAMS[arguments[0]], arguments[1:])
    return _run("boxship.cli.main", arguments)


def runtime_main() -> int:
    """`boxship-runtime ...`."""
    return _run("boxship.runtime.main", sys.argv[1:])


def _run(module: str, arguments: list[str]) -> int:
    from importlib import import_module

    return int(import_module(module).main(arguments))


if __name__ == "__main__":
    sys.exit(main())
