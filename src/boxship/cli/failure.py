"""How a command ends when it does not end well."""


class Failure(Exception):
    """What to print on stderr, and the exit code; an empty message prints nothing."""

    def __init__(self, message: str = "", code: int = 1) -> None:
        """`code` is the exit code of the program."""
        super().__init__(message)
        self.message = message
        self.code = code


class UsageFailure(Failure):
    """The words of the command were wrong; `verb` is Docker's: Run or See."""

    def __init__(self, message: str, code: int = 125, *, verb: str = "Run") -> None:
        """The usage line follows the message."""
        super().__init__(message, code)
        self.verb = verb
