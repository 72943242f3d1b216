"""A command, declared: what it is called, what it takes, and what does it."""

from boxship.cli import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boxship.api.docker.http import Json
    from boxship.cli.session import Session

MANY = 1 << 30


class Flag:
    """One flag.  `note` is the text of its default in help, where there is one."""

    __slots__ = ("default", "hidden", "kind", "name", "note", "short", "text")

    def __init__(
        self,
        name: str,
        kind: kinds.Kind,
        text: str,
        short: str = "",
        default: "Json" = None,
    ) -> None:
        """`text` is its line in help; an empty one hides the flag."""
        self.name = name
        self.kind = kind
        self.text = text
        self.short = short
        self.default = kind.default if default is None else default
        self.note = _note(kind, default) if default is not None else ""
        self.hidden = not text


def _note(kind: kinds.Kind, default: "Json") -> str:
    return f'"{default}"' if kind is kinds.STRING else str(default).lower()


class Values:
    """The values of a command's flags; `changed` are the names that were given."""

    __slots__ = ("changed", "values")

    def __init__(self, flags: "tuple[Flag, ...]") -> None:
        """All at their defaults."""
        self.values: dict[str, Json] = {
            flag.name: [] if flag.kind.repeats else flag.default for flag in flags
        }
        self.changed: set[str] = set()

    def __getitem__(self, name: str) -> "Json":
        return self.values[name]

    def set(self, flag: Flag, value: "Json") -> None:
        """Take a value that was given."""
        if flag.kind.repeats:
            self.values[flag.name].append(value)
        else:
            self.values[flag.name] = value
        self.changed.add(flag.name)


class Command:
    """One command, under all its names."""

    __slots__ = ("aliases", "flags", "interspersed", "limits", "run", "short", "usage")

    def __init__(
        self,
        usage: str,
        short: str,
        run: "Callable[[Session, Values, list[str]], int]",
        *,
        flags: tuple[Flag, ...] = (),
        limits: tuple[int, int] = (0, MANY),
        aliases: tuple[str, ...] = (),
    ) -> None:
        """`usage` is what follows the name; `limits`: how few and how many arguments."""
        self.usage = usage
        self.short = short
        self.run = run
        self.flags = flags
        self.limits = limits
        self.aliases = aliases
        # Flags after IMAGE or CONTAINER belong to the program in the container, or to ps.
        self.interspersed = not usage.endswith(("[ARG...]", "[ps OPTIONS]"))


# Flags that many commands share.

FORMAT_LIST = Flag(
    "format",
    kinds.STRING,
    "Print each line by a Go template:\n"
    "'table':            the usual columns under a header\n"
    "'table TEMPLATE':   columns of the template, tabs between\n"
    "'json':             one JSON object a line\n"
    "'TEMPLATE':         the template as it is",
)
FORMAT_ONE = Flag(
    "format",
    kinds.STRING,
    "Print by a Go template:\n"
    "'json':             as JSON\n"
    "'TEMPLATE':         the template as it is",
    "f",
)
FILTER = Flag("filter", kinds.FILTER, "Only what fits the condition NAME=VALUE", "f")
NO_TRUNC = Flag("no-trunc", kinds.BOOL, "Print everything in full length")
QUIET_IDS = Flag("quiet", kinds.BOOL, "Only print the ids", "q")
DETACH_KEYS = Flag("detach-keys", kinds.STRING, "Keys that detach the terminal from the container")
TRUST = Flag("disable-content-trust", kinds.BOOL, "Skip the check of signatures", default=True)
