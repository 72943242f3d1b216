"""--env-file and --label-file."""

import os

from boxship.cli.failure import Failure


def environment(paths: list[str], given: list[str]) -> list[str]:
    """The variables of the files, then those of the command line."""
    found: list[str] = []
    for path in paths:
        for line in _lines(path):
            name, separator, _ = line.partition("=")
            if not name:
                raise Failure(f"invalid environment variable: {line}")
            if any(char in " \t" for char in name):
                raise Failure(
                    f"invalid environment variable: variable '{name}' contains whitespaces"
                )
            if separator:
                found.append(line)
            elif name in os.environ:
                found.append(f"{name}={os.environ[name]}")
    last: dict[str, str] = {}
    for term in given:
        last[term.partition("=")[0]] = term
    return [*found, *last.values()]


def key_values(paths: list[str]) -> list[str]:
    """The labels of the files."""
    return [line for path in paths for line in _lines(path) if "=" in line]


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = [line.rstrip("\r\n").lstrip(" \t") for line in file]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(f"open {path}: {reason}") from None
    return [line for line in lines if line and not line.startswith("#")]
