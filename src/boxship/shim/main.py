"""`boxship shim --zygote --fd 3`: becomes the zygote, in a sealed copy of the interpreter."""

import sys

from boxship.kernel import sealed

USAGE = "usage: boxship shim --zygote --fd N    (the supervisor starts it; N is a seqpacket socket)"


def main(arguments: list[str]) -> int:
    """Check the arguments, keep the descriptor over the execution, execute."""
    if len(arguments) != 3 or arguments[:2] != ["--zygote", "--fd"] or not arguments[2].isdigit():
        print(USAGE, file=sys.stderr)  # noqa: T201 - a program's usage
        return 2
    code = "from boxship.shim.zygote import serve; sys.exit(serve(int(sys.argv[1])))"
    sealed.execute(code, [arguments[2]])
    return 1
