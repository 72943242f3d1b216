"""`boxship ...`: global flags, the command, its flags, its exit code."""

import sys

from boxship.cli import commands, hints, kinds, usage
from boxship.cli.command import Command, Flag
from boxship.cli.failure import Failure, UsageFailure
from boxship.cli.parse import HelpAsked, Parser
from boxship.cli.session import Session
from boxship.model.errors import BoxshipError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values

PROGRAM = "boxship"
INTERRUPTED = 130
LOG_LEVELS = {"debug", "info", "warn", "error", "fatal"}

GLOBAL = (
    Flag("config", kinds.STRING, "Folder of the client's configuration, else ~/.docker"),
    Flag("context", kinds.STRING, "Context that says which engine (overrides DOCKER_HOST)", "c"),
    Flag("debug", kinds.BOOL, "Show the way of an error through the client", "D"),
    Flag("host", kinds.LIST, "Address of the engine: unix:///path or tcp://host:port", "H"),
    Flag(
        "log-level", kinds.STRING, 'Level: "debug", "info", "warn", "error", "fatal"', "l", "info"
    ),
    Flag("tls", kinds.BOOL, "Use TLS; --tlsverify implies it"),
    Flag("tlscacert", kinds.STRING, "Trust only servers that this CA signed"),
    Flag("tlscert", kinds.STRING, "The client's certificate"),
    Flag("tlskey", kinds.STRING, "The client's key"),
    Flag("tlsverify", kinds.BOOL, "Use TLS and verify the engine"),
    Flag("version", kinds.BOOL, "Print the version and leave", "v"),
)


def main(argv: list[str]) -> int:
    """Run one command line."""
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except OSError as error:
        if "-D" in argv:
            raise
        _forget_stdout()
        return _complain(f"{PROGRAM}: {_reason(error)}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _nobody_reads() -> int:
    """End as a program does that writes to a closed pipe and knows nothing of it."""
    import os
    import signal

    _forget_stdout()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    return 1


def _reason(error: OSError) -> str:
    import errno

    if error.errno == errno.ENOSPC and not error.filename:
        return "writing the output failed: no space left on device"
    return str(error)


def _forget_stdout() -> None:
    """Nobody reads: leave nothing behind that the interpreter would try to write at exit."""
    import os

    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)


def _run(argv: list[str]) -> int:
    parser = Parser(GLOBAL, interspersed=False)
    try:
        options, words = parser.parse(argv)
    except HelpAsked:
        return _print(root_help())
    except UsageFailure as failure:
        return _usage_failure(failure, PROGRAM, "[OPTIONS] COMMAND [ARG...]", GLOBAL)
    if options["version"]:
        from boxship.cli.about import VERSION

        return _print(f"Boxship version {VERSION}\n")
    if options["log-level"] not in LOG_LEVELS:
        return _complain(f"Unable to parse logging level: {options['log-level']}")
    return _command(options, words)


def _command(options: "Values", words: list[str]) -> int:
    if not words:
        return _print(root_help())
    if words[0] == "help":
        return _help(words[1:])
    path = [PROGRAM, words[0]]
    if words[0] in commands.GROUPS:
        return _in_group(options, path, words[1:])
    entry = commands.top_level().get(words[0])
    if entry is None:
        return _unknown(path, commands.top_level(), "")
    return _execute(Session(options), path, entry[0], words[1:])


def _in_group(options: "Values", path: list[str], words: list[str]) -> int:
    group = path[1]
    entries = commands.GROUPS[group][1]
    if not words or words[0] in {"--help", "-h"}:
        return _print(group_help(group))
    name = commands.ALIASES[group].get(words[0], words[0])
    if name.startswith("-"):
        failure = UsageFailure(f"unknown flag: {name}")
        return _usage_failure(failure, " ".join(path), "COMMAND", ())
    if name not in entries:
        return _unknown([*path, words[0]], entries, f"\nUsage:  {' '.join(path)}\n")
    return _execute(Session(options), [*path, words[0]], entries[name][0], words[1:])


def _unknown(path: list[str], entries: dict[str, tuple[str, str]], usage_line: str) -> int:
    hint = hints.for_word(path[-1], entries, hints.COMMANDS)
    lines = [f"{PROGRAM}: unknown command: {' '.join(path)}"]
    if hint:
        lines.append(hint)
    lines.append(usage_line)
    lines.append(f"Run '{' '.join(path[:-1])} --help' for more information")
    return _complain("\n".join(lines))


def _load(module: str) -> Command:
    from importlib import import_module

    command: Command = import_module(f"boxship.cli.{module}").COMMAND
    return command


def _execute(session: Session, path: list[str], module: str, words: list[str]) -> int:
    command = _load(module)
    session.path = " ".join(path)
    try:
        values, arguments = Parser(command.flags, interspersed=command.interspersed).parse(words)
        _check_count(session.path, command, len(arguments))
    except HelpAsked:
        return _print(usage.of_command(session.path, command))
    except UsageFailure as failure:
        return _usage_failure(failure, session.path, command.usage, command.flags)
    try:
        return command.run(session, values, arguments)
    except Failure as failure:
        sys.stdout.flush()
        return _complain(failure.message, failure.code)
    except BoxshipError as error:
        sys.stdout.flush()
        if session.options["debug"]:
            raise
        return _complain(explained(error))


def explained(error: BoxshipError) -> str:
    """An error of the engine or of the way to it, as it is printed."""
    if hasattr(error, "status"):
        return f"Error response from daemon: {error.message}"
    return f"{error.message}\n{error.hint}" if error.hint else error.message


def _check_count(path: str, command: Command, count: int) -> None:
    least, most = command.limits
    if least <= count <= most:
        return
    raise UsageFailure(
        f"{PROGRAM}: '{path}' {wanted(least, most)}",
        1,
        verb="See" if most > 2 and least else "Run",
    )


def wanted(least: int, most: int) -> str:
    """How many arguments a command takes, in words."""
    if most == 0:
        return "accepts no arguments"
    if least == most:
        return f"requires {_arguments(least)}"
    if most <= 2 and least:
        return f"requires at least {least} and at most {_arguments(most)}"
    return (
        f"requires at least {_arguments(least)}"
        if least
        else f"requires at most {_arguments(most)}"
    )


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _usage_failure(
    failure: UsageFailure, path: str, usage_line: str, flags: tuple[Flag, ...]
) -> int:
    lines = [failure.message]
    if failure.message.startswith("unknown flag: "):
        word = failure.message.rpartition(" ")[2]
        hint = hints.for_word(word, [f"--{flag.name}" for flag in flags], hints.KNOWN)
        lines += [hint] if hint else []
    lines += ["", f"Usage:  {path} {usage_line}".rstrip(), ""]
    lines.append(f"{failure.verb} '{path} --help' for more information")
    return _complain("\n".join(lines), failure.code)


def _help(words: list[str]) -> int:
    if not words:
        return _print(root_help())
    entries = commands.top_level()
    if words[0] in commands.GROUPS:
        if len(words) == 1:
            return _print(group_help(words[0]))
        entries = commands.GROUPS[words[0]][1]
    entry = entries.get(words[-1])
    if entry is None:
        return _complain(f"unknown help topic: {' '.join(words)}")
    return _print(usage.of_command(" ".join((PROGRAM, *words)), _load(entry[0])))


def root_help() -> str:
    """`boxship --help`."""
    groups = [(name, text) for name, (text, _) in commands.GROUPS.items()]
    lines = [f"Usage:  {PROGRAM} [OPTIONS] COMMAND", "", "Containers, whole, in Python"]
    for title, entries in (
        ("Common Commands:", [(name, text) for name, (_, text) in commands.COMMON.items()]),
        ("Management Commands:", groups),
        ("Commands:", [(name, text) for name, (_, text) in commands.PLAIN.items()]),
        ("Programs:", list(commands.PROGRAMS.items())),
    ):
        lines += ["", title, *usage.listing(entries)]
    lines += ["", "Global Options:", *usage.flags_table(list(GLOBAL), usage.width() - 1)]
    lines += ["", f"Run '{PROGRAM} COMMAND --help' for more information on a command."]
    return "\n".join(lines) + "\n"


def group_help(group: str) -> str:
    """`boxship container --help`."""
    text, entries = commands.GROUPS[group]
    listed = [(name, entries[name][1]) for name in sorted(entries)]
    return "\n".join(
        (
            f"Usage:  {PROGRAM} {group} COMMAND",
            "",
            text,
            "",
            "Commands:",
            *usage.listing(listed),
            "",
            f"Run '{PROGRAM} {group} COMMAND --help' for more information on a command.",
            "",
        )
    )


def _print(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _complain(text: str, code: int = 1) -> int:
    if text:
        sys.stderr.write(f"{text}\n")
    return code
