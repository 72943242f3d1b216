"""The user's program: found as execvp(3) would, and why it could not be executed.

Words as runc and therefore Docker have them, `exec: "x": executable file not found in $PATH`:
clients read the exit code 126 or 127 out of them.  What Docker leaves out follows as the hint.
"""

import errno
import os
import stat

from boxship.model.errors import BoxshipError, Forbidden, Invalid, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PREFIX = "unable to start container process: "

_MACHINES = {
    3: "386", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 43: "sparc64",
    62: "amd64", 183: "arm64", 243: "riscv64", 258: "loong64",
}  # fmt: skip
_HOST = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}
_PT_INTERP = 3


def find(name: str, path: str | None) -> str:
    """The file to execute; raises in Docker's words if there is none."""
    if "/" in name:
        _check(name)
        return name
    refused: BoxshipError | None = None
    for directory in (DEFAULT_PATH if path is None else path).split(":"):
        candidate = f"{directory or '.'}/{name}"
        try:
            if stat.S_ISDIR(os.stat(candidate).st_mode) or not os.access(candidate, os.X_OK):
                refused = refused or Forbidden(f'{PREFIX}exec: "{name}": permission denied')
                continue
        except OSError:
            continue
        return candidate
    raise refused or NotFound(
        f'{PREFIX}exec: "{name}": executable file not found in $PATH',
        hint=f"no such program in {path if path else DEFAULT_PATH}",
    )


def _check(name: str) -> None:
    try:
        status = os.stat(name)
    except OSError as error:
        why = _lower(error.errno or 0)
        raise NotFound(f'{PREFIX}exec: "{name}": stat {name}: {why}') from None
    if stat.S_ISDIR(status.st_mode):
        raise Forbidden(f'{PREFIX}exec: "{name}": is a directory: permission denied')
    if not os.access(name, os.X_OK, effective_ids=True):
        raise Forbidden(
            f'{PREFIX}exec: "{name}": permission denied',
            hint=f"its mode is {stat.S_IMODE(status.st_mode):o}: it is not executable",
        )


def _lower(number: int) -> str:
    text = os.strerror(number)
    return text[:1].lower() + text[1:]


def explain(name: str, file: str, error: OSError) -> "NoReturn":
    """Raise the error of a failed execve(2) of `file`, with the reason the kernel keeps back."""
    number = error.errno or 0
    kind: type[BoxshipError] = NotFound if number == errno.ENOENT else Forbidden
    if number in (errno.ENOMEM, errno.E2BIG):
        kind = Invalid
    message = f'{PREFIX}exec: "{name}": {_lower(number)}'
    raise kind(message, hint=why_not(file, number)) from error


def why_not(file: str, number: int) -> str:
    """What the head of the file says about it, or ''."""
    try:
        # What cannot be executed may be a fifo, and nobody may ever write to that.
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return "it is not a regular file"
        head = os.pread(fd, 4096, 0)
        if head[:2] == b"#!":
            return _script(head)
        if head[:4] == b"\x7fELF" and len(head) >= 64:
            return _elf(fd, head, number)
    except (OSError, IndexError):
        return ""
    finally:
        os.close(fd)
    if number != errno.ENOEXEC:
        return ""
    return (
        "the file is empty"
        if not head
        else "it is neither a program nor a script that starts with #!"
    )


def _script(head: bytes) -> str:
    line = head[2:].split(b"\n", 1)[0]
    words = line.split()
    interpreter = words[0].decode(errors="replace") if words else ""
    if line.endswith(b"\r"):
        return f"its first line ends in a carriage return, so that {interpreter!r} is looked for"
    if interpreter and not os.path.exists(interpreter):
        return f"its interpreter {interpreter} does not exist in the container"
    return f"its interpreter is {interpreter or 'not named'}"


def _elf(fd: int, head: bytes, number: int) -> str:
    little = head[5] == 1
    machine = _integer(head[18:20], little)
    built = _MACHINES.get(machine, f"machine {machine}")
    host = _HOST.get(os.uname().machine, os.uname().machine)
    if built != host and (built, host) not in (("386", "amd64"), ("arm", "arm64")):
        return f"built for {built}, this host is {host}"
    loader = _loader(fd, head, little)
    if loader and number == errno.ENOENT:
        return (
            f"its loader {loader} does not exist in the container: is it linked for another libc?"
        )
    return ""


def _integer(raw: bytes, little: bool) -> int:
    return int.from_bytes(raw, "little" if little else "big")


def _loader(fd: int, head: bytes, little: bool) -> str:
    """PT_INTERP of a 32 or 64 bit program."""
    wide = head[4] == 2
    start = _integer(head[32:40] if wide else head[28:32], little)
    place = 54 if wide else 42
    size = _integer(head[place : place + 2], little)
    for number in range(min(_integer(head[place + 2 : place + 4], little), 64)):
        entry = os.pread(fd, size, start + number * size)
        if _integer(entry[:4], little) != _PT_INTERP:
            continue
        offset = _integer(entry[8:16] if wide else entry[4:8], little)
        length = _integer(entry[32:40] if wide else entry[16:20], little)
        return os.pread(fd, min(length, 4096), offset).rstrip(b"\0").decode(errors="replace")
    return ""
