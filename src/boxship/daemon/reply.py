"""Answers: JSON, nothing, text; and errors, whose kinds become statuses in one table."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from boxship.api.docker.version import API_VERSION
from boxship.model import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)

STATUS: dict[type[errors.BoxshipError], int] = {
    errors.NotModified: 304,
    errors.Invalid: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.System: 500,
    errors.Unsupported: 501,
    errors.Unavailable: 503,
}

COMMON = {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"Boxship/{version('boxship')} (linux)",
}
JSON = {**COMMON, "Content-Type": "application/json"}

encode = msgspec.json.Encoder().encode


def json(value: object, status: int = 200) -> web.Response:
    """A JSON answer; a newline ends it, as in Docker."""
    return web.Response(body=encode(value) + b"\n", status=status, headers=JSON)


def json_each(values: Iterable[object]) -> web.Response:
    """A JSON array whose items are made and encoded one after another: no heap of garbage."""
    body = b"[" + b",".join([encode(value) for value in values]) + b"]\n"
    return web.Response(body=body, headers=JSON)


def empty(status: int = 204) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status, headers=COMMON)


def text(value: str, status: int = 200, headers: Mapping[str, str] = COMMON) -> web.Response:
    """An answer in plain text."""
    full = {**headers, "Content-Type": "text/plain; charset=utf-8"}
    return web.Response(body=value.encode(), status=status, headers=full)


def page_not_found() -> web.Response:
    """What is said of a path that is none of the API's."""
    return json({"message": "page not found"}, 404)


def status_of(error: BaseException) -> int:
    """The status for an error, by its kind."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def message_of(error: BaseException) -> str:
    """The text for an error: ours, the host's, or that it is a fault of ours."""
    if isinstance(error, errors.BoxshipError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror[0].lower()}{error.strerror[1:]}"
    return f"internal error: {type(error).__name__}: {error}: the daemon's log has the details"


def failure(error: BaseException, what: str) -> web.Response:
    """The answer to a request (`what`) that failed."""
    status = status_of(error)
    if status == 304:
        return empty(304)
    if not isinstance(error, errors.BoxshipError):
        log.error("%s failed", what, exc_info=error)
    elif status == 500:
        log.error("%s failed: %s", what, error)
    return json({"message": message_of(error)}, status)
