"""A request as the routes see it: version, names of the path, query, document."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from boxship.api.docker.decode import decode
from boxship.api.docker.document import Document
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from aiohttp import web

    from boxship.api.docker.version import Version

T = TypeVar("T", bound=Document)

MAX_DOCUMENT = 4 << 20
_FALSE = frozenset(("", "0", "no", "false", "none"))


class Request:
    """One request; the routes read it and answer."""

    __slots__ = ("http", "names", "version")

    def __init__(self, http: web.BaseRequest, version: Version, names: dict[str, str]) -> None:
        """`names` are the parts of the path that the route gives a name."""
        self.http = http
        self.version = version
        self.names = names

    def text(self, key: str, default: str = "") -> str:
        """A value of the query."""
        return self.http.query.get(key, default)

    def texts(self, key: str) -> list[str]:
        """All values of a key of the query."""
        return self.http.query.getall(key, [])

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A yes or no of the query, by Docker's rule: everything but a few words is yes."""
        value = self.http.query.get(key)
        return default if value is None else value.strip().lower() not in _FALSE

    def number(self, key: str) -> int | None:
        """A number of the query, None if it is not there."""
        value = self.http.query.get(key)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            raise Invalid(f'strconv.Atoi: parsing "{value}": invalid syntax') from None

    async def body(self, limit: int = MAX_DOCUMENT) -> bytes:
        """The whole body, which must be small."""
        if not self.http.can_read_body:
            return b""
        parts: list[bytes] = []
        size = 0
        async for part in self.http.content.iter_any():
            size += len(part)
            if size > limit:
                raise Invalid(f"request body is larger than {limit} bytes")
            parts.append(part)
        return b"".join(parts)

    async def document(self, kind: type[T]) -> T:
        """The body, which must be JSON, as a document."""
        self.check_type()
        return decode(await self.body(), kind)

    def document_of(self, body: bytes, kind: type[T]) -> T:
        """A body that was read already, as a document."""
        self.check_type()
        return decode(body, kind)

    async def optional_document(self, kind: type[T]) -> T:
        """As document, but no body is an empty one."""
        if not self.http.can_read_body:
            return kind()
        return await self.document(kind)

    def check_type(self) -> None:
        """Invalid if there is a body and it is not said to be JSON."""
        given = self.http.headers.get("Content-Type", "")
        if not given and not self.http.can_read_body:
            return
        if not given:
            raise Invalid("malformed Content-Type header (): mime: no media type")
        if given.partition(";")[0].strip().lower() != "application/json":
            raise Invalid(f"unsupported Content-Type header ({given}): must be 'application/json'")
