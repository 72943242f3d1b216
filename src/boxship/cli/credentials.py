"""Credentials for registries, as config.json keeps them."""

import base64
import json
import os

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


def store(config: "Config", server: str, user: str, password: str) -> str:
    """Keep the credentials; the path of the file."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    config.values.setdefault("auths", {})[server] = {"auth": auth}
    return _write(config)


def forget(config: "Config", server: str) -> None:
    """Drop the credentials, if there are any."""
    auths = config.values.get("auths") or {}
    if auths.pop(server, None) is not None:
        _write(config)


def _write(config: "Config") -> str:
    """config.json anew, beside and then in place, for its owner only."""
    os.makedirs(config.directory, mode=0o700, exist_ok=True)
    path = os.path.join(config.directory, "config.json")
    beside = f"{path}.{os.getpid()}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(config.values, file, indent="\t", ensure_ascii=False)
    os.replace(beside, path)
    return path
