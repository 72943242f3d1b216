"""Credentials for registries, as config.json keeps them."""

import base64
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.config import Config

HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"


def headers(config: "Config", domain: str) -> dict[str, str]:
    """The request header that hands the credentials of a registry to the engine."""
    found = _found(config, HUB_KEY if domain == HUB else domain)
    if not found:
        return {}
    data = json.dumps(found).encode()
    return {"X-Registry-Auth": base64.urlsafe_b64encode(data).decode()}


def _found(config: "Config", key: str) -> "Json":
    auths = config.values.get("auths") or {}
    entry = auths.get(key) or auths.get(f"https://{key}") or auths.get(f"http://{key}")
    if not entry:
        return None
    user, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        plain = base64.b64decode(entry["auth"]).decode(errors="replace")
        user, _, password = plain.partition(":")
    return {
        "username": user,
        "password": password,
        "identitytoken": entry.get("identitytoken", ""),
        "serveraddress": key,
    }
