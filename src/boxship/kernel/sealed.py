"""A sealed copy of the running interpreter, to execute instead of the host's.

A container that is entered can reach the program behind /proc/self/exe of whoever enters it.  What
it finds there is a file in memory that nobody can change (CVE-2019-5736).
"""

import fcntl
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_LARGEST_COPY = 1 << 30


def copy_of_interpreter() -> int:
    """A descriptor of the copy, close-on-exec."""
    source = os.open("/proc/self/exe", os.O_RDONLY | os.O_CLOEXEC)
    try:
        copy = os.memfd_create("boxship", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        while os.sendfile(copy, source, None, _LARGEST_COPY):
            pass
    finally:
        os.close(source)
    os.fchmod(copy, 0o500)
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
    return copy


def is_sealed() -> bool:
    """Whether this process executes such a copy."""
    return os.readlink("/proc/self/exe").startswith("/memfd:boxship")


def execute(code: str, arguments: "Sequence[str]") -> None:
    """Become `code`, run by the sealed copy without site and environment; returns only by error.

    The modules are found where this process finds them.
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    prelude = f"import sys; sys.path.append({root!r}); "
    # `-I`: what PYTHON... variables and the current directory say has no part in it.  `-S`: shim
    # and runtime need nothing of site-packages.
    argv = [sys.executable, "-I", "-S", "-c", prelude + code, *arguments]
    os.execve(copy_of_interpreter(), argv, os.environ)
