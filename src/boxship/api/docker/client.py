"""A caller of the Engine API: blocking, plain sockets, quick to import.

client = Client(Endpoint("unix:///run/boxship/docker.sock"))
client.get("/containers/json", all=True)
"""

import json

from boxship.api.docker import http
from boxship.model import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket
    from typing import BinaryIO

    from boxship.api.docker.endpoint import Endpoint
    from boxship.api.docker.http import Json, Response

API_VERSION = (1, 50)
OLDEST_VERSION = (1, 24)
# An engine that does not say which versions it speaks.
SILENT_VERSION = (1, 24)

KINDS = {
    304: errors.NotModified,
    400: errors.Invalid,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    501: errors.Unsupported,
    503: errors.Unavailable,
}


class Refused(errors.BoxshipError):
    """The engine said no: `kind` is the class of error that the status stands for."""

    def __init__(self, status: int, message: str) -> None:
        """`message` is the engine's own."""
        super().__init__(message)
        self.status = status
        self.kind = KINDS.get(status, errors.System)


class Hijacked:
    """A connection that became a pipe to a process; `framed`: its output comes in frames."""

    __slots__ = ("early", "framed", "link")

    def __init__(self, link: "socket", early: bytes, *, framed: bool) -> None:
        """`early` are bytes of output that came with the response's head."""
        self.link = link
        self.early = early
        self.framed = framed


class Request:
    """What one request sends beside its path; `stream` is a body of unknown length."""

    __slots__ = ("body", "headers", "query", "stream")

    def __init__(
        self,
        *,
        query: "dict[str, Json] | None" = None,
        body: "Json" = None,
        stream: "BinaryIO | None" = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """`body` is sent as JSON."""
        self.query = query or {}
        self.body = body
        self.stream = stream
        self.headers = headers or {}


class Client:
    """The engine behind one endpoint; it keeps an idle connection for the next request."""

    def __init__(self, endpoint: "Endpoint", *, agent: str = "boxship", version: str = "") -> None:
        """`version` fixes the API version; else it is the highest that both sides speak."""
        self.endpoint = endpoint
        self.agent = agent
        self.fixed = bool(version)
        self._version = version
        self._idle: socket | None = None
        self.ping_headers: dict[str, str] | None = None

    @property
    def version(self) -> str:
        """The API version that requests carry."""
        if not self._version:
            self._version = self._negotiated()
        return self._version

    def ping(self) -> dict[str, str]:
        """The headers of /_ping, asked once."""
        if self.ping_headers is None:
            response = self._exchange("HEAD", "/_ping", Request())
            self._keep(response)
            self.ping_headers = response.headers
        return self.ping_headers

    def _negotiated(self) -> str:
        theirs = parse_version(self.ping().get("api-version", "")) or SILENT_VERSION
        major, minor = min(theirs, API_VERSION)
        return f"{major}.{minor}"

    # whole answers

    def get(self, path: str, **query: "Json") -> "Json":
        """GET; the answer as a value."""
        return self.call("GET", path, Request(query=query))

    def post(self, path: str, body: "Json" = None, **query: "Json") -> "Json":
        """POST; the answer as a value, None if it is empty."""
        return self.call("POST", path, Request(query=query, body=body))

    def delete(self, path: str, **query: "Json") -> "Json":
        """DELETE; the answer as a value."""
        return self.call("DELETE", path, Request(query=query))

    def call(self, method: str, path: str, request: Request) -> "Json":
        """Any request with a JSON answer."""
        response = self.open(method, path, request)
        value = response.json()
        self._keep(response)
        return value

    def raw(self, method: str, path: str, request: Request) -> bytes:
        """Any request; the answer as it came."""
        response = self.open(method, path, request)
        data = response.read()
        self._keep(response)
        return data

    # answers that come over time

    def open(self, method: str, path: str, request: Request) -> "Response":
        """The response with its body still to come; Refused for a status of 400 and more."""
        response = self._exchange(method, f"/v{self.version}{path}", request)
        if response.status >= 400:
            raise self._refusal(response)
        return response

    def messages(self, method: str, path: str, request: Request) -> "Iterator[Json]":
        """The answer as a row of JSON values."""
        response = self.open(method, path, request)
        try:
            yield from response.messages()
        finally:
            response.close()

    def hijack(self, path: str, request: Request) -> Hijacked:
        """POST, and take the connection over."""
        request.headers = {"Connection": "Upgrade", "Upgrade": "tcp", **request.headers}
        response = self.open("POST", path, request)
        multiplexed = "application/vnd.docker.multiplexed-stream"
        framed = response.headers.get("content-type") == multiplexed
        return Hijacked(response.link, response.buffered(), framed=framed)

    # connections

    def _exchange(self, method: str, target: str, request: Request) -> "Response":
        idle, self._idle = self._idle, None
        if idle is not None and request.stream is None:
            try:
                return self._over(idle, method, target, request)
            except (errors.Unavailable, OSError):
                # The engine may have closed it since; nothing of this request was answered.
                idle.close()
        return self._over(self.endpoint.connect(), method, target, request)

    def _over(self, link: "socket", method: str, target: str, request: Request) -> "Response":
        try:
            self._send(link, method, target, request)
            return http.Response(link, method)
        except ConnectionError as error:
            link.close()
            reason = (error.strerror or str(error)).lower()
            raise errors.Unavailable(
                f"error during connect to {self.endpoint.text}: {reason}",
                hint="see the log of the engine, and whether it wants TLS (--tlsverify)",
            ) from None
        except BaseException:
            link.close()
            raise

    def _send(self, link: "socket", method: str, target: str, request: Request) -> None:
        headers = {"Host": self._host(), "User-Agent": self.agent, **request.headers}
        body = b""
        if request.body is not None:
            body = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode(
                errors="surrogateescape"
            )
            headers["Content-Type"] = "application/json"
        if request.stream is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif method == "POST":
            headers["Content-Length"] = str(len(body))
        target += http.query_string(request.query)
        link.sendall(http.head(method, target, headers) + body)
        if request.stream is not None:
            self._send_stream(link, request.stream)

    def _send_stream(self, link: "socket", stream: "BinaryIO") -> None:
        try:
            http.send_chunked(link, stream)
        except (BrokenPipeError, ConnectionResetError):
            # It answered before it had read all: the answer says why.
            return

    def _host(self) -> str:
        endpoint = self.endpoint
        return "boxship" if endpoint.path else f"{endpoint.host}:{endpoint.port}"

    def _keep(self, response: "Response") -> None:
        if self._idle is None:
            self._idle = response.release()
        else:
            response.close()

    def _refusal(self, response: "Response") -> Refused:
        text = response.read().decode(errors="replace")
        self._keep(response)
        try:
            message = json.loads(text)["message"]
        except (ValueError, KeyError, TypeError):
            message = text.strip() or f"status {response.status} without a reason"
        return Refused(response.status, str(message).strip())

    def fork(self) -> "Client":
        """Another caller of the same engine, for another thread."""
        return Client(self.endpoint, agent=self.agent, version=self.version)

    def close(self) -> None:
        """Close the idle connection."""
        if self._idle is not None:
            self._idle.close()
            self._idle = None


def parse_version(text: str) -> tuple[int, int] | None:
    """`1.50` to (1, 50); None where it is no version."""
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
