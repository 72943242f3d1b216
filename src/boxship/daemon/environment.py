"""The environment of a process: Docker's own variables, then what image and user say.  Pure."""

from __future__ import annotations

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(hostname: str, *, tty: bool, asked: list[str] | None) -> list[str]:
    """PATH, HOSTNAME, TERM (with a terminal), then `asked`; HOME is the runtime's business."""
    defaults = [DEFAULT_PATH, f"HOSTNAME={hostname}"]
    if tty:
        defaults.append("TERM=xterm")
    return merged(defaults, asked)


def merged(defaults: list[str], overrides: list[str] | None) -> list[str]:
    """`overrides` replace by name, in place; a name without `=` removes the variable."""
    done = {variable.partition("=")[0]: variable for variable in defaults}
    for variable in overrides or []:
        name, equals, _ = variable.partition("=")
        if equals:
            done[name] = variable
        else:
            done.pop(name, None)
    return list(done.values())
