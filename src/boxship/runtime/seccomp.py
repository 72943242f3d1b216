"""The filter of a container: compiled once for each profile, then bytes from a file.

<root>/seccomp/<sha256>   the program for the section with that digest; root's alone, since
                          whoever writes it writes the rules
"""

import os
import sys

from boxship.kernel.ignoring import ignoring
from boxship.kernel.seccomp import FILTER_FLAG_NEW_LISTENER, FLAGS, INSTRUCTION_SIZE, Filter
from boxship.model.errors import Invalid, System
from boxship.runtime import documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

# Part of the digest: a new way of compiling must not find the old programs.
_COMPILER = "2"
_NOTIFY = "SCMP_ACT_NOTIFY"


def program(section: "dict[str, Any]", cache: str) -> bytes:
    """The compiled program, from the cache if it is there."""
    path = place_of(section, cache)
    with ignoring(FileNotFoundError):
        code = documents.read(path)
        if code and len(code) % INSTRUCTION_SIZE == 0:
            return code
    from boxship.kernel.seccomp_filter import compile_filter

    try:
        code = compile_filter(section)
    except (ValueError, KeyError) as error:
        raise Invalid(f"seccomp: {error}") from error
    os.makedirs(cache, mode=0o700, exist_ok=True)
    documents.replace(path, code)
    return code


def place_of(section: "dict[str, Any]", cache: str) -> str:
    """Where the compiled program is kept."""
    return f"{cache}/{_digest(_COMPILER + documents.render(section))}"


def _digest(text: str) -> str:
    """The C module alone: hashlib loads OpenSSL."""
    if sys.version_info >= (3, 12):
        from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
    else:
        from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
    return str(sha256(text.encode()).hexdigest())


class Loader:
    """Loads the filter in the container's process."""

    def __init__(
        self, ready: Filter, agent: "_socket.socket | None", state: "dict[str, Any]"
    ) -> None:
        """`agent`, if any, gets the listener, and is told `state`."""
        self._filter = ready
        self._agent = agent
        self._state = state

    @property
    def keep(self) -> set[int]:
        """What must stay open until then."""
        return {self._agent.fileno()} if self._agent is not None else set()

    def load(self) -> None:
        """From here on the filter holds, for what the runtime itself still does as well."""
        fd = self._filter.load()
        if self._agent is not None:
            _send(self._agent, fd, self._state)
            os.close(fd)

    def close(self) -> None:
        """The creator's end of it."""
        if self._agent is not None:
            self._agent.close()


def prepare(section: "dict[str, Any] | None", cache: str, state: "dict[str, Any]") -> Loader | None:
    """What loads the filter, or None if there is none to load.

    `state` is what the other end of `listenerPath` is told (runtime-spec config-linux.md,
    "The Container Process State").
    """
    if not section:
        return None
    flags = 0
    for name in section.get("flags") or ():
        if name not in FLAGS:
            raise Invalid(f"seccomp flag {name!r} does not exist")
        flags |= FLAGS[name]
    notify = any(rule["action"] == _NOTIFY for rule in section.get("syscalls") or ())
    if not notify:
        return Loader(Filter(program(section, cache), flags), None, {})
    if not section.get("listenerPath"):
        raise Invalid("seccomp: SCMP_ACT_NOTIFY needs a listenerPath")
    ready = Filter(program(section, cache), flags | FILTER_FLAG_NEW_LISTENER)
    told = {
        "ociVersion": state["ociVersion"],
        "metadata": section.get("listenerMetadata", ""),
        "state": state,
    }
    return Loader(ready, _connect(section["listenerPath"]), told)


def _connect(path: str) -> "_socket.socket":
    import _socket

    agent = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        agent.connect(path)
    except OSError as error:
        raise System(f"connect to the seccomp agent {path}: {error}") from error
    return agent


def _send(agent: "_socket.socket", fd: int, state: "dict[str, Any]") -> None:
    import _socket

    message = {**state, "pid": os.getpid(), "fds": ["seccompFd"]}
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fd.to_bytes(4, "little"))]
    agent.sendmsg([documents.render(message).encode()], rights)
    agent.close()
