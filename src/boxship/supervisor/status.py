"""Error kinds to gRPC statuses: the one table of this border."""

import logging

from boxship.api.shim.client import CallFailed
from boxship.model.errors import (
    BoxshipError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
    Unsupported,
)
from boxship.wire import ttrpc

log = logging.getLogger(__name__)


class Exists(Conflict):
    """The name is taken: containerd's "already exists"."""


# Kind, code, and the words that containerd's clients take off the end again.
STATUSES: tuple[tuple[type[BoxshipError], int, str], ...] = (
    (Exists, ttrpc.ALREADY_EXISTS, "already exists"),
    (Conflict, ttrpc.FAILED_PRECONDITION, "failed precondition"),
    (NotFound, ttrpc.NOT_FOUND, "not found"),
    (Invalid, ttrpc.INVALID_ARGUMENT, "invalid argument"),
    (Unavailable, ttrpc.UNAVAILABLE, "unavailable"),
    (Unsupported, ttrpc.UNIMPLEMENTED, "not implemented"),
    (Forbidden, ttrpc.PERMISSION_DENIED, "permission denied"),
)


def status_of(error: Exception) -> tuple[int, str]:
    """The gRPC code and the text for what a service raised."""
    if isinstance(error, CallFailed):
        return error.code, error.message
    if isinstance(error, TimeoutError):
        return ttrpc.DEADLINE_EXCEEDED, str(error) or "context deadline exceeded"
    for kind, code, words in STATUSES:
        if isinstance(error, kind):
            return code, str(error) if str(error).endswith(words) else f"{error}: {words}"
    if not isinstance(error, BoxshipError):
        log.error("a request failed for a reason of ours", exc_info=error)
    return ttrpc.UNKNOWN, str(error) or type(error).__name__
