"""Which handler a request is for: the version prefix, the method and the path.  Pure.

pattern   "/containers/{id}/json"; {id} is one part of a path, {name...} may hold slashes
"""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from boxship.daemon.request import Request

Handler: TypeAlias = Callable[[Request], Awaitable[web.StreamResponse]]
Route: TypeAlias = tuple[str, str, Handler]

_PREFIX = re.compile(r"/v([0-9]+(?:\.[0-9]+)?)(?=/)")
_NAMES: dict[str, str] = {}


def split_version(path: str) -> tuple[str | None, str]:
    """`/v1.50/info` -> ("1.50", "/info"); None when the client names no version."""
    found = _PREFIX.match(path) if path.startswith("/v") else None
    return (found[1], path[found.end() :]) if found else (None, path)


class Router:
    """Fixed paths in one dictionary, patterns by method and first part of the path."""

    def __init__(self, routes: list[Route]) -> None:
        """Sort the routes; the first of two that match wins."""
        self._fixed: dict[tuple[str, str], Handler] = {}
        self._patterns: dict[tuple[str, str], list[tuple[re.Pattern[str], Handler]]] = {}
        for method, pattern, handler in routes:
            if "{" not in pattern:
                self._fixed[method, pattern] = handler
                continue
            key = method, pattern.split("/")[1]
            self._patterns.setdefault(key, []).append((_compiled(pattern), handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler and the parts of the path that have names, or None."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, _NAMES
        head = path[1 : path.find("/", 1)]
        for pattern, handler in self._patterns.get((method, head), ()):
            found = pattern.fullmatch(path)
            if found:
                return handler, found.groupdict()
        return None


def _compiled(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", pattern)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text), re.DOTALL)
