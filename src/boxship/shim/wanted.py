"""The stdio that a client of the Task API asks for: four fields -> what it means.

""                              nothing: /dev/null
/path                           a FIFO that the client made (or a file)
file:///path                    appended to
boxship-io:///log?attach=...    ours: the shim writes the log and serves clients at a socket
"""

import os

from boxship.model.errors import Invalid, Unsupported

OURS = "boxship-io://"
_FILE = "file://"


class Wanted:
    """One process' stdio; the four fields as asked, and the paths or the log that they name."""

    __slots__ = (
        "attach",
        "log",
        "own",
        "pipes",
        "stderr",
        "stdin",
        "stdin_open",
        "stdout",
        "terminal",
    )

    def __init__(self, stdin: str, stdout: str, stderr: str, *, terminal: bool) -> None:
        """Parse; Invalid or Unsupported if it means nothing."""
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.terminal = terminal
        self.own = stdout.startswith(OURS)
        self.log: Log | None = None
        self.attach = ""
        self.pipes = {}
        self.stdin_open = bool(stdin)
        if self.own:
            self._parse_ours(stdout[len(OURS) :])
        else:
            self.pipes = {1: _path(stdout), 2: "" if terminal else _path(stderr)}

    def _parse_ours(self, text: str) -> None:
        path, _, query = text.partition("?")
        options = _query(query)
        self.attach = options.get("attach", "")
        self.stdin_open = options.get("stdin") == "1"
        driver = options.get("driver", "json-file")
        if driver not in {"json-file", "none"}:
            raise Unsupported(f"log driver {driver!r} is not one that the shim writes")
        if path and driver == "json-file":
            self.log = Log(unquote(path), options)


class Log:
    """A json-file log: where, and how large."""

    __slots__ = ("attrs", "max_file", "max_size", "path")

    def __init__(self, path: str, options: dict[str, str]) -> None:
        """`options` as in the query: max-size in bytes, max-file, attrs (a JSON object)."""
        self.path = path
        try:
            self.max_size = int(options.get("max-size") or -1)
            self.max_file = max(int(options.get("max-file") or 1), 1)
        except ValueError as error:
            raise Invalid(f"a size of the log {path} is not a number: {error}") from error
        self.attrs = options.get("attrs", "").encode()


def _query(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {unquote(name): unquote(value.replace("+", " ")) for name, _, value in pairs}


def unquote(text: str) -> str:
    """Percent-decoding.  urllib.parse would be a quarter of the shim's memory."""
    first, *rest = text.encode().split(b"%")
    out = [first]
    for piece in rest:
        try:
            out.append(bytes.fromhex(piece[:2].decode()) + piece[2:])
        except ValueError:
            out.append(b"%" + piece)
    return os.fsdecode(b"".join(out))


def _path(text: str) -> str:
    if text.startswith(_FILE):
        return unquote(text[len(_FILE) :])
    if "://" in text:
        raise Unsupported(f"stdio {text!r} is not a FIFO, a file:// or a boxship-io:// address")
    return text
