"""Where an engine listens, and how to get a connected socket to it."""

import socket

from boxship.model.errors import Forbidden, Invalid, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

DEFAULT_PORT, DEFAULT_TLS_PORT = 2375, 2376
CONNECT_TIMEOUT_S = 30


class Tls:
    """The files of a TLS client; `verify` asks for a server certificate that the CA signed."""

    __slots__ = ("ca", "cert", "key", "verify")

    def __init__(self, ca: str, cert: str, key: str, *, verify: bool) -> None:
        """Paths of PEM files; an empty or missing certificate and key are left out."""
        self.ca = ca
        self.cert = cert
        self.key = key
        self.verify = verify

    def context(self) -> "SSLContext":
        """The context for one connection."""
        import os
        import ssl

        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.verify:
            context.load_verify_locations(self.ca)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert and os.path.exists(self.cert):
            context.load_cert_chain(self.cert, self.key)
        return context


class Endpoint:
    """One engine's address, parsed."""

    __slots__ = ("host", "path", "port", "text", "tls")

    def __init__(self, text: str, tls: Tls | None = None) -> None:
        """`text` as after -H; Invalid where it is not an address."""
        self.tls = tls
        self.path = self.host = ""
        self.port = 0
        scheme, separator, rest = text.partition("://")
        if not separator:
            scheme, rest = "tcp", text
        if scheme == "unix":
            self.path = rest
            self.text = f"unix://{rest}"
        elif scheme in {"tcp", "http", "https"}:
            self._set_tcp(rest.rstrip("/"), text)
        else:
            raise Invalid(
                f"unable to parse docker host `{text}`",
                hint="this client speaks unix:// and tcp:// addresses",
            )

    def _set_tcp(self, address: str, whole: str) -> None:
        host, _, port = address.rpartition(":") if ":" in address else (address, "", "")
        default = DEFAULT_TLS_PORT if self.tls else DEFAULT_PORT
        if port and not port.isdigit():
            raise Invalid(f"unable to parse docker host `{whole}`", hint="the port is a number")
        self.host = host.strip("[]") or "localhost"
        self.port = int(port or default)
        self.text = f"tcp://{address if port else f'{self.host}:{self.port}'}"

    def connect(self) -> socket.socket:
        """A connected socket, or the reason why not and what to do."""
        try:
            return self._connect()
        except PermissionError:
            raise Forbidden(
                "permission denied while trying to connect to the Docker daemon socket at "
                f"{self.text}",
                hint="become root, or join the group that owns the socket and log in again",
            ) from None
        except OSError as error:
            raise Unavailable(self._failure(error), hint=self._advice()) from None

    def _connect(self) -> socket.socket:
        if self.path:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                link.connect(self.path)
            except BaseException:
                link.close()
                raise
            return link
        link = socket.create_connection((self.host, self.port), timeout=CONNECT_TIMEOUT_S)
        link.settimeout(None)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.context().wrap_socket(link, server_hostname=self.host) if self.tls else link

    def _failure(self, error: OSError) -> str:
        if self.tls and type(error).__module__ == "ssl":
            return f"error during connect to {self.text}: {error}"
        return f"Cannot connect to the Docker daemon at {self.text}. Is the docker daemon running?"

    def _advice(self) -> str:
        if self.path:
            return "start one with `boxship daemon`, or name another with -H or DOCKER_HOST"
        return "see whether it listens there, or name another with -H or DOCKER_HOST"
