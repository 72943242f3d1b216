"""Pulling an image, and showing how far it is."""

import sys

from boxship.api.docker.client import Request
from boxship.cli import credentials
from boxship.cli.progress import Display
from boxship.model.reference import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.session import Session


def pull(
    session: "Session", image: str, *, platform: str | None, quiet: bool, on_stderr: bool = False
) -> None:
    """Pull one image by its name."""
    reference = Reference.parse(image)
    pull_reference(session, reference, platform, Display(_target(on_stderr), quiet=quiet))


def _target(on_stderr: bool) -> int:
    return 2 if on_stderr else 1


def pull_reference(
    session: "Session", reference: Reference, platform: str | None, display: Display
) -> None:
    """Pull a reference; a bare one means every tag."""
    sys.stdout.flush()
    tag = str(reference.digest) if reference.digest else reference.tag
    headers = credentials.headers(session.config, reference.domain)
    request = Request(
        query={"fromImage": reference.name, "tag": tag, "platform": platform or None},
        headers=headers,
    )
    display.show(session.client.messages("POST", "/images/create", request))
