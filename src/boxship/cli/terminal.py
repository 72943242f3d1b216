"""The terminal of the user: raw mode, its size, the keys that detach."""

import os
import sys

from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_KEYS = b"\x10\x11"
_NAMED = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def stdin_is_terminal() -> bool:
    """Whether keys come from a person."""
    return os.isatty(0)


def stdout_is_terminal() -> bool:
    """Whether a person reads."""
    return os.isatty(1)


def check_input(*, tty: bool, stdin: bool) -> None:
    """Refuse a terminal in the container where there is none here."""
    if tty and stdin and not stdin_is_terminal():
        raise Failure("the input device is not a TTY")


def size() -> tuple[int, int] | None:
    """Rows and columns, None where there is no terminal."""
    try:
        found = os.get_terminal_size(1)
    except OSError:
        return None
    return (found.lines, found.columns) if found.lines or found.columns else None


class Raw:
    """`with Raw(): ...`: keys come as they are typed; as before at the end."""

    __slots__ = ("_before",)

    def __enter__(self) -> "Raw":
        """Switch, if stdin is a terminal."""
        self._before = None
        if stdin_is_terminal():
            import termios

            self._before = termios.tcgetattr(0)
            mode = termios.tcgetattr(0)
            mode[0] &= ~(
                termios.IGNBRK
                | termios.BRKINT
                | termios.PARMRK
                | termios.ISTRIP
                | termios.INLCR
                | termios.IGNCR
                | termios.ICRNL
                | termios.IXON
            )
            mode[1] &= ~termios.OPOST
            mode[2] = (mode[2] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
            mode[3] &= ~(
                termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
            )
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSANOW, mode)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            sys.stdout.flush()
            termios.tcsetattr(0, termios.TCSANOW, self._before)


class NotRaw:
    """The same shape, doing nothing."""

    def __enter__(self) -> "NotRaw":
        return self

    def __exit__(self, *_: object) -> None:
        return


def keys(text: str) -> bytes:
    """`ctrl-p,ctrl-q` to bytes; Failure where it is no such list."""
    out = bytearray()
    for name in text.split(","):
        if len(name) == 1:
            out += name.encode()
            continue
        letter = name.lower().removeprefix("ctrl-")
        if not name.lower().startswith("ctrl-") or len(letter) != 1:
            raise Failure(f"invalid detach keys ({text}): Unknown character: '{name}'")
        if letter in _NAMED:
            out.append(_NAMED[letter])
        elif "a" <= letter <= "z":
            out.append(ord(letter) - ord("a") + 1)
        else:
            raise Failure(f"invalid detach keys ({text}): Unknown character: '{name}'")
    return bytes(out)


class Detacher:
    """Watches typed bytes for the keys; holds back what may be their beginning."""

    __slots__ = ("_held", "_keys", "found")

    def __init__(self, sequence: bytes) -> None:
        """`sequence` is what to watch for."""
        self._keys = sequence
        self._held = 0
        self.found = False

    def feed(self, data: bytes) -> bytes:
        """What may be sent on; `found` says that the keys were typed."""
        return b"".join(self._pieces(data))

    def _pieces(self, data: bytes) -> "Iterator[bytes]":
        for value in data:
            if value == self._keys[self._held]:
                self._held += 1
                if self._held == len(self._keys):
                    self.found = True
                    return
                continue
            held, self._held = self._keys[: self._held], 0
            yield held
            if value == self._keys[0]:
                self._held = 1
                if len(self._keys) == 1:
                    self.found = True
                    return
            else:
                yield bytes((value,))
