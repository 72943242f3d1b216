"""Which versions of the Engine API we speak, and what an older or newer client is told."""

API_VERSION = "1.50"
MIN_API_VERSION = "1.24"

Version = tuple[int, int]


def parse(text: str) -> Version:
    """`1.50` -> (1, 50); ValueError for anything that is no version."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


LATEST = parse(API_VERSION)
OLDEST = parse(MIN_API_VERSION)


def too_new(text: str) -> str:
    """What a client from the future is told."""
    return f"client version {text} is too new. Maximum supported API version is {API_VERSION}"


def too_old(text: str, oldest: str = MIN_API_VERSION) -> str:
    """What a client from the past is told."""
    return (
        f"client version {text} is too old. Minimum supported API version is {oldest}, "
        "please upgrade your client to a newer version"
    )
