"""`with ignoring(FileNotFoundError): ...`: contextlib.suppress, without what contextlib imports."""


class ignoring:  # noqa: N801  used as a statement
    """Go on behind the block if one of `errors` ends it."""

    def __init__(self, *errors: type[BaseException]) -> None:
        """The errors that do not matter."""
        self.errors = errors

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self.errors)
