"""What can go wrong, by kind.  Each border translates kinds in one table: status, exit codes."""


class BoxshipError(Exception):
    """Something failed: `message` says what, on what and why; `hint` what to do next, or ''."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the sentence apart from the hint: clients of Docker match the first words."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The whole text as people read it."""
        return f"{self.message}: {self.hint}" if self.hint else self.message


class Invalid(BoxshipError):
    """The request cannot be right, whatever the state of things (HTTP 400)."""


class Unauthorized(BoxshipError):
    """The other side wants to know who asks (HTTP 401)."""


class Forbidden(BoxshipError):
    """Known and not allowed (HTTP 403)."""


class NotFound(BoxshipError):
    """No such thing (HTTP 404)."""


class Conflict(BoxshipError):
    """The state of things forbids it now (HTTP 409)."""


class NotModified(BoxshipError):
    """It is already as asked (HTTP 304)."""


class Unsupported(BoxshipError):
    """Nobody here can do that (HTTP 501)."""


class Unavailable(BoxshipError):
    """Not now: a part that is needed does not answer (HTTP 503)."""


class System(BoxshipError):
    """The host or a part of ours failed (HTTP 500)."""
