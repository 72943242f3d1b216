"""Creating a container: the request, a missing image, --cidfile; for `create` and `run`."""

import os

from boxship.api.docker.client import Request
from boxship.cli.container import payload
from boxship.cli.failure import Failure
from boxship.model.errors import NotFound
from boxship.model.reference import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session

POLICIES = ("always", "missing", "never")


def check_pull(flags: "Values") -> None:
    """Refuse an unknown --pull."""
    if flags["pull"] not in {*POLICIES, ""}:
        raise Failure(
            f"invalid pull option: '{flags['pull']}': "
            'must be one of "always", "missing" or "never"',
            125,
        )


# What only an engine on Windows can do.
WINDOWS = ("cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops")


def check_system(flags: "Values") -> None:
    """Refuse the flags of another operating system."""
    given = [name for name in WINDOWS if name in flags.changed]
    if given:
        raise Failure(
            "\n".join(
                f'"--{name}" is only supported on a Docker daemon running on windows, '
                "but the Docker daemon is running on linux"
                for name in given
            )
        )


def create(session: "Session", flags: "Values", body: "Json") -> str:
    """Create the container; its id."""
    if not _is_id(body["Image"]):
        # A name that cannot be one is refused without asking.
        Reference.parse(body["Image"])
    cidfile = _open_cidfile(flags["cidfile"])
    try:
        answer = _create(session, flags, body)
        if cidfile is not None:
            os.write(cidfile, answer["Id"].encode())
            os.close(cidfile)
            cidfile = None
    finally:
        if cidfile is not None:
            os.close(cidfile)
            os.unlink(flags["cidfile"])
    for warning in answer.get("Warnings") or []:
        session.err(f"WARNING: {warning}")
    return str(answer["Id"])


def _open_cidfile(path: str) -> int | None:
    if not path:
        return None
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise Failure(
            f"container ID file found, make sure the other container isn't running or delete {path}"
        ) from None
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Failure(f"failed to create the container ID file: open {path}: {reason}") from None


def _create(session: "Session", flags: "Values", body: "Json") -> "Json":
    if flags["pull"] == "always":
        _pull(session, flags, body["Image"])
    request = Request(
        query={"name": flags["name"] or None, "platform": _platform(flags)}, body=body
    )
    try:
        return session.client.call("POST", "/containers/create", request)
    except Exception as error:
        if getattr(error, "kind", None) is not NotFound or not _may_pull(body["Image"], flags):
            raise
    if not flags["quiet"]:
        session.err(f"Unable to find image '{_tagged(body['Image'])}' locally")
    _pull(session, flags, body["Image"])
    return session.client.call("POST", "/containers/create", request)


def _may_pull(image: str, flags: "Values") -> bool:
    """What is named by its id is in no registry."""
    return flags["pull"] in {"missing", ""} and not _is_id(image)


def _is_id(image: str) -> bool:
    digits = image.removeprefix("sha256:")
    return len(digits) == 64 and not digits.strip("0123456789abcdef")


def _platform(flags: "Values") -> str | None:
    text = flags["platform"] or os.environ.get("DOCKER_DEFAULT_PLATFORM", "")
    if text and "/" not in text:
        from boxship.cli.about import architecture

        return f"{text}/{architecture()}" if text in {"linux", "windows"} else f"linux/{text}"
    return text or None


def _tagged(image: str) -> str:
    last = image.rpartition("/")[2]
    return image if "@" in image or ":" in last else f"{image}:latest"


def _pull(session: "Session", flags: "Values", image: str) -> None:
    from boxship.cli.image.pulling import pull

    pull(session, image, platform=_platform(flags), quiet=flags["quiet"], on_stderr=True)


def console_size() -> list[int]:
    """Rows and columns of this terminal; zeros where there is none."""
    try:
        size = os.get_terminal_size(1)
    except OSError:
        return [0, 0]
    return [size.lines, size.columns]


def body_of(session: "Session", flags: "Values", arguments: list[str]) -> "Json":
    """The request's body, with the errors of `run`."""
    body = payload.body(flags, arguments)
    body["HostConfig"]["ConsoleSize"] = console_size() if flags["tty"] else [0, 0]
    if "proxies" in session.config.values:
        from boxship.cli.container.proxies import variables

        given = body["Env"] or []
        engine = session.client.endpoint.text
        body["Env"] = [*given, *variables(session.config, engine, given)] or None
    return body
