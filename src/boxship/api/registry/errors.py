"""What a registry answers when it refuses, as errors of ours in Docker's words."""

import json

from boxship.model.errors import BoxshipError, NotFound, System, Unauthorized, Unavailable
from boxship.model.reference import Reference

_DENIED = "pull access denied for {name}, repository does not exist or may require 'docker login'"


def refusal(status: int, body: bytes, reference: Reference, url: str) -> BoxshipError:
    """The error that an answer with `status` and `body` is, for whoever wanted `reference`."""
    code, message = _first_error(body)
    said = f"{code.lower().replace('_', ' ')}: {message}" if code else ""
    if code == "MANIFEST_UNKNOWN" or (status == 404 and not code):
        said = said or "manifest unknown: manifest unknown"
        return NotFound(f"manifest for {reference.familiar()} not found: {said}")
    if code == "NAME_UNKNOWN":
        return NotFound(f"repository {reference.familiar_name} not found: {said}")
    if code == "DENIED" or status == 403:
        text = _DENIED.format(name=reference.familiar_name)
        return NotFound(f"{text}: {said}" if said else text)
    if code == "UNAUTHORIZED" or status == 401:
        return Unauthorized(said or "unauthorized: authentication required")
    if status == 429:
        return Unavailable(f"toomanyrequests: {message or 'too many requests'}")
    if said:
        return System(said)
    return System(f"received unexpected HTTP status: {status} from {url}")


def _first_error(body: bytes) -> tuple[str, str]:
    """Code and message of the first error in a registry's answer (distribution-spec, "Errors")."""
    try:
        first = json.loads(body)["errors"][0]
        return str(first.get("code", "")), str(first.get("message", ""))[:1000]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
