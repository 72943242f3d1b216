"""Operations: a plan is a list of them, and one loop carries it out.

An operation says what it is going to do; if it fails, that sentence and the kernel's reason are
the error message.
"""

import os
import sys

from boxship.model.errors import BoxshipError, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Stage:
    """What the operations of one init share."""

    def __init__(self, bundle: str) -> None:
        """Nothing is open yet."""
        self.bundle = bundle
        self.root = -1  # the container's root directory, O_PATH, from EnterRootfs on
        self.root_path = ""  # where the host has it
        self.own_fds = -1  # /proc/self/fd of a procfs that is real, kept over pivot_root
        self.null = -1  # the container's /dev/null, for masking files
        self.empty = -1  # the first tmpfs that masks a directory, for masking others
        self.console: int | None = None  # the socket for the master of the terminal


class Operation:
    """One change of the world."""

    def describe(self) -> str:
        """What it does, as a sentence without a subject: `mount proc on /proc`."""
        raise NotImplementedError

    def execute(self, stage: Stage) -> None:
        """Do it, or raise OSError."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


def reason(error: OSError) -> str:
    """The kernel's reason in small letters, as Go and therefore Docker write it."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]


def import_no_more() -> None:
    """From here on files are the container's: whoever imported would run them as the runtime.

    What is compiled into the interpreter is still found.
    """
    sys.meta_path[:] = [f for f in sys.meta_path if _origin(f) == "_frozen_importlib"]


def _origin(finder: object) -> str:
    return str(getattr(finder, "__module__", ""))


def carry_out(operations: "Iterable[Operation]", stage: Stage) -> None:
    """Every operation in order; the first that fails ends it, as an error in its words."""
    for operation in operations:
        try:
            operation.execute(stage)
        except OSError as error:
            detail = str(error.strerror or "")
            why = reason(error)
            shown = f"{detail}" if detail and detail.lower() != why else why
            raise System(f"{operation.describe()}: {shown}") from error
        except BoxshipError as error:
            raise type(error)(
                f"{operation.describe()}: {error.message}", hint=error.hint
            ) from error
