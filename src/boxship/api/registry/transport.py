"""One HTTP exchange with a registry: bounded, redirected with care, errors in Docker's words.

Redirects are followed by hand: a registry may send us elsewhere for a blob, but what proves who we
are goes to the registry only.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from boxship.model.errors import BoxshipError, System

MAX_REDIRECTS = 10
CHUNK = 1 << 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
_AGENT = "boxship"


class Transport:
    """The sessions of one client; made on the loop that uses it first."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=_TIMEOUT,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=CHUNK,
                headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
            )
        return self._session

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str], *, verify: bool = True
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to GET `url`, wherever it is found in the end."""
        at, sent = URL(url), dict(headers)
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await self._open().get(
                    at, headers=sent, allow_redirects=False, ssl=verify
                )
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                raise unreachable(error, "GET", str(at)) from error
            try:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                at, sent = _redirected(at, response.headers.get("Location", ""), sent)
            finally:
                response.close()
        raise System(f'Get "{url}": stopped after {MAX_REDIRECTS} redirects')

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


def _redirected(at: URL, location: str, headers: dict[str, str]) -> tuple[URL, dict[str, str]]:
    try:
        target = at.join(URL(location))
    except ValueError:
        target = URL()
    if target.scheme not in {"http", "https"} or not target.host:
        raise System(f'Get "{at}": redirected to no place: {location[:200]!r}')
    if at.scheme == "https" and target.scheme == "http":
        raise System(f'Get "{at}": redirected from TLS to plain HTTP: {target.host}')
    if target.origin() != at.origin():
        headers = {key: value for key, value in headers.items() if key != "Authorization"}
    return target, headers


async def read_bounded(response: aiohttp.ClientResponse, limit: int, what: str) -> bytes:
    """The whole body, unless it is longer than `limit`."""
    pieces: list[bytes] = []
    size = 0
    async for piece in pieces_of(response):
        size += len(piece)
        if size > limit:
            raise System(f"{what} from {response.url.host}: more than {limit} bytes are not taken")
        pieces.append(piece)
    return b"".join(pieces)


async def pieces_of(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body, piece by piece."""
    try:
        while piece := await response.content.read(CHUNK):
            yield piece
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise unreachable(error, "GET", str(response.url)) from error


def unreachable(error: BaseException, method: str, url: str) -> BoxshipError:
    """Why nothing came back, in the words of Go's network library."""
    return System(f'{method.capitalize()} "{url}": {_reason(error)}')


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {error.host}: no such host"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connect_reason(error)
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)):
        return "unexpected EOF"
    return str(error) or type(error).__name__


def _connect_reason(error: aiohttp.ClientConnectorError) -> str:
    cause = error.os_error
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return f"tls: {cause}"
    if isinstance(cause, ssl.SSLError):
        return f"tls: {cause.reason or cause}"
    if isinstance(cause, socket.gaierror):
        return f"dial tcp: lookup {error.host}: no such host"
    why = os.strerror(cause.errno).lower() if cause.errno else str(cause)
    if cause.errno == errno.ETIMEDOUT:
        why = "i/o timeout"
    port = error.port or 443
    return f"dial tcp {error.host}:{port}: connect: {why}"
