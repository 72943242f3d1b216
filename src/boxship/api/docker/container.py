"""Config, and the bodies of `create`, `exec` and `resize`: what runs in a container."""

from typing import Any, ClassVar

import msgspec

from boxship.api.docker import host_config
from boxship.api.docker.document import Document, Int64, names
from boxship.api.docker.network import EndpointSettings

Words = list[str] | str | None  # a lone string is one word
Set = dict[str, Any] | None  # keys only; Docker writes {} as the value


class HealthTest(Document):
    """How it is found out whether a container is well."""

    Test: list[str] | None = None
    Interval: Int64 | None = None
    Timeout: Int64 | None = None
    StartPeriod: Int64 | None = None
    StartInterval: Int64 | None = None
    Retries: Int64 | None = None

    omit_empty: ClassVar[frozenset[str]] = names(
        "Test Interval Timeout StartPeriod StartInterval Retries"
    )


class Config(Document):
    """The container's side: what does not depend on the host."""

    Hostname: str | None = ""
    Domainname: str | None = ""
    User: str | None = ""
    AttachStdin: bool | None = False
    AttachStdout: bool | None = False
    AttachStderr: bool | None = False
    ExposedPorts: Set = None
    Tty: bool | None = False
    OpenStdin: bool | None = False
    StdinOnce: bool | None = False
    Env: list[str] | None = None
    Cmd: Words = None
    Healthcheck: HealthTest | None = None
    ArgsEscaped: bool | None = None
    Image: str | None = ""
    Volumes: Set = None
    WorkingDir: str | None = ""
    Entrypoint: Words = None
    NetworkDisabled: bool | None = None
    MacAddress: str | None = None
    OnBuild: list[str] | None = None
    Labels: dict[str, str | None] | None = None
    StopSignal: str | None = None
    StopTimeout: Int64 | None = None
    Shell: Words = None

    omit_empty: ClassVar[frozenset[str]] = names(
        "ExposedPorts Healthcheck ArgsEscaped NetworkDisabled MacAddress StopSignal "
        "StopTimeout Shell"
    )

    def __post_init__(self) -> None:
        """A lone string is one word; the values of sets are empty objects; null texts are ''."""
        self.Cmd, self.Entrypoint, self.Shell = map(_words, (self.Cmd, self.Entrypoint, self.Shell))
        self.ExposedPorts, self.Volumes = map(_set, (self.ExposedPorts, self.Volumes))
        if self.Labels:
            self.Labels = {name: value or "" for name, value in self.Labels.items()}


class Endpoints(Document):
    """Network name -> how to be in it."""

    EndpointsConfig: dict[str, EndpointSettings | None] | None = msgspec.field(default_factory=dict)


class CreateRequest(Config):
    """The body of `POST /containers/create`."""

    HostConfig: host_config.HostConfig | None = None
    NetworkingConfig: Endpoints | None = None


class ExecRequest(Document):
    """The body of `POST /containers/{id}/exec`."""

    User: str | None = ""
    Privileged: bool | None = False
    Tty: bool | None = False
    ConsoleSize: list[Int64] | None = None
    AttachStdin: bool | None = False
    AttachStderr: bool | None = False
    AttachStdout: bool | None = False
    DetachKeys: str | None = ""
    Env: list[str] | None = None
    WorkingDir: str | None = ""
    Cmd: Words = None

    def __post_init__(self) -> None:
        """A lone string is one word."""
        self.Cmd = _words(self.Cmd)


class ExecStartRequest(Document):
    """The body of `POST /exec/{id}/start`."""

    Detach: bool | None = False
    Tty: bool | None = False
    ConsoleSize: list[Int64] | None = None


def _words(value: Words) -> list[str] | None:
    return [value] if isinstance(value, str) else value


def _set(value: Set) -> Set:
    return None if value is None else {key: {} for key in value}
