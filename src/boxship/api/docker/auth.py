"""Who one is at a registry: the body of `POST /auth` and the X-Registry-Auth header."""

import base64
import binascii

import msgspec

from boxship.api.docker.document import Document


class AuthConfig(Document):
    """A name and a password, or a token, for one registry."""

    username: str | None = ""
    password: str | None = ""
    auth: str | None = ""
    email: str | None = ""
    serveraddress: str | None = ""
    identitytoken: str | None = ""
    registrytoken: str | None = ""


def from_header(value: str) -> AuthConfig | None:
    """The X-Registry-Auth header: JSON in base64url.  Nonsense counts as nothing, as in Docker."""
    if not value:
        return None
    padded = value + "=" * (-len(value) % 4)
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=AuthConfig)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
