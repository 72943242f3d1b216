"""top: the processes of a container, as the host's ps shows them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from boxship.model.errors import Conflict, Invalid, System

if TYPE_CHECKING:
    from boxship.daemon.container import Container
    from boxship.daemon.parts import Parts

PS_LIMIT_S = 10  # it reads all of /proc; a process that hangs in the kernel can hold it up

Table = dict[str, list[str] | list[list[str]]]


async def top(parts: Parts, c: Container, ps_args: str) -> Table:
    """`docker top`: Titles and Processes."""
    if not c.state.alive:
        raise Conflict(f"container {c.id} is not running")
    pids: set[int] = set(await parts.tasks.pids(c.id))
    arguments = ps_args.split() or ["-ef"]
    code, output, problem = await _ps([*arguments, "-q", ",".join(map(str, sorted(pids)))])
    if code != 0 or not output.strip():  # these arguments do not go with -q
        code, output, problem = await _ps(arguments)
    if code != 0:
        raise Invalid(f"ps: {problem.strip()}")
    return table(output, pids)


async def _ps(arguments: list[str]) -> tuple[int, str, str]:
    try:
        child = await asyncio.create_subprocess_exec(
            "ps", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError as e:
        raise System("there is no ps on this host", hint="install procps") from e
    try:
        async with asyncio.timeout(PS_LIMIT_S):
            output, problem = await child.communicate()
    except TimeoutError as e:
        text = f"ps {' '.join(arguments)} did not end within {PS_LIMIT_S} s"
        raise System(text, hint="ask for fewer columns") from e
    finally:  # also when the client has gone away
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode or 0, output.decode(errors="replace"), problem.decode(errors="replace")


def table(output: str, pids: set[int]) -> Table:
    """The rows of ps whose PID is one of `pids`; the last column may have spaces."""
    lines = output.splitlines()
    titles = lines[0].split() if lines else []
    if "PID" not in titles:
        raise System("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = [line.split(None, len(titles) - 1) for line in lines[1:] if line.strip()]
    return {
        "Titles": titles,
        "Processes": [r for r in rows if len(r) > column and _pid(r[column]) in pids],
    }


def _pid(text: str) -> int:
    """A column before it may have spaces: then this is none, and Docker's words say so."""
    if not text.isdecimal():
        raise System(f"Unexpected pid '{text}'", hint="have ps put PID before what has spaces")
    return int(text)
