"""What a command works with."""

import os
import sys

from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.client import Client
    from boxship.api.docker.endpoint import Endpoint, Tls
    from boxship.cli.command import Values
    from boxship.cli.config import Config

DEFAULT_SOCKET = "unix:///run/boxship/docker.sock"


class Session:
    """One run of the client; what costs time is made when it is first asked for."""

    def __init__(self, options: "Values", program: str = "boxship") -> None:
        """`options` are the global flags."""
        self.options = options
        self.program = program
        self.path = program
        self._config: Config | None = None
        self._client: Client | None = None

    @property
    def config(self) -> "Config":
        """The user's configuration."""
        if self._config is None:
            from boxship.cli import config

            self._config = config.Config(self.options["config"] or config.directory())
        return self._config

    @property
    def client(self) -> "Client":
        """The engine."""
        if self._client is None:
            from boxship.api.docker.client import Client

            version = os.environ.get("DOCKER_API_VERSION", "").removeprefix("v")
            self._client = Client(self._endpoint(), agent=_agent(), version=version)
        return self._client

    @property
    def context(self) -> str:
        """The name of the context in use."""
        named = str(self.options["context"])
        if self.options["host"] or (not named and os.environ.get("DOCKER_HOST")):
            return "default"
        return (
            named
            or os.environ.get("DOCKER_CONTEXT", "")
            or self.config.text("currentContext")
            or "default"
        )

    def _endpoint(self) -> "Endpoint":
        from boxship.api.docker.endpoint import Endpoint

        hosts = self.options["host"]
        if len(hosts) > 1:
            raise Failure("Specify only one -H")
        if hosts and self.options["context"]:
            raise Failure(
                "Failed to initialize: unable to resolve docker endpoint: "
                "conflicting options: cannot specify both --host and --context"
            )
        if self.context != "default":
            return Endpoint(self.config.context_host(self.context), self._tls())
        address = hosts[0] if hosts else os.environ.get("DOCKER_HOST", "")
        if address:
            return Endpoint(address, self._tls())
        from boxship.cli.local_engine import LocalEndpoint

        return LocalEndpoint(DEFAULT_SOCKET)

    def _tls(self) -> "Tls | None":
        verify = self.options["tlsverify"] or bool(os.environ.get("DOCKER_TLS_VERIFY"))
        asked = {"tlscacert", "tlscert", "tlskey"} & self.options.changed
        if not (self.options["tls"] or verify or asked):
            return None
        from boxship.api.docker.endpoint import Tls

        folder = os.environ.get("DOCKER_CERT_PATH") or self.config.directory
        files = [
            self.options[flag] or os.path.join(folder, name)
            for flag, name in (
                ("tlscacert", "ca.pem"),
                ("tlscert", "cert.pem"),
                ("tlskey", "key.pem"),
            )
        ]
        if verify and not os.path.exists(files[0]):
            raise Failure(
                "Failed to initialize: unable to resolve docker endpoint: "
                f"open {files[0]}: no such file or directory"
            )
        return Tls(*files, verify=verify)

    def out(self, text: str) -> None:
        """Print on stdout."""
        sys.stdout.write(text)

    def err(self, text: str) -> None:
        """Print a line on stderr, after all that was printed on stdout."""
        sys.stdout.flush()
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _agent() -> str:
    from boxship.cli.about import VERSION

    return f"Boxship-Client/{VERSION} (linux)"
