"""The text of --help."""

import os

from boxship.cli.command import Command, Flag

WIDTH = 80
NARROWEST = 24
# A line may be so much longer rather than leave a short last word alone.
SLACK = 5


def width() -> int:
    """How wide the text may be: as the terminal, else 80."""
    try:
        return os.get_terminal_size(1).columns or WIDTH
    except OSError:
        return WIDTH


def of_command(path: str, command: Command) -> str:
    """Help of one command, called by `path`."""
    lines = [f"Usage:  {path} {command.usage}".rstrip(), "", command.short]
    if command.aliases:
        program = path.split(" ", 1)[0]
        lines += ["", "Aliases:"]
        lines.append("  " + ", ".join(f"{program} {alias}" for alias in command.aliases))
    shown = [flag for flag in command.flags if not flag.hidden]
    if shown:
        lines += ["", "Options:", *flags_table(shown, width() - 1)]
    return "\n".join(lines) + "\n"


def flags_table(flags: list[Flag], columns: int) -> list[str]:
    """A line or more per flag, the explanations in one column."""
    ordered = sorted(flags, key=lambda flag: flag.name)
    heads = [_head(flag) for flag in ordered]
    start = max(len(head) for head in heads) + 3
    lines: list[str] = []
    for flag, head in zip(ordered, heads, strict=True):
        text = flag.text + (f" (default {flag.note})" if flag.note else "")
        first, *others = wrapped(text, columns - start)
        lines.append(head.ljust(start) + first)
        lines += [" " * start + other for other in others]
    return lines


def _head(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"  {short}--{flag.name} {flag.kind.word}".rstrip()


def wrapped(text: str, room: int) -> list[str]:
    """The text in lines that fit the room; its own line breaks stay."""
    lines: list[str] = []
    for line in text.split("\n"):
        rest = line
        while room >= NARROWEST and len(rest) > room:
            cut = rest.rfind(" ", 0, room - SLACK)
            if cut <= 0:
                break
            lines.append(rest[:cut])
            rest = rest[cut + 1 :]
        lines.append(rest)
    return lines


def listing(entries: list[tuple[str, str]]) -> list[str]:
    """Commands and what they do, in two columns."""
    return [f"  {name.ljust(11)} {short}" for name, short in entries]
