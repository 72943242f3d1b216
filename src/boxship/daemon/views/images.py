"""An image: an entry of the list, inspect, history."""

from __future__ import annotations

import calendar
import re
import time
from typing import TYPE_CHECKING, Any

from boxship.api.docker.container import Config
from boxship.api.docker.document import defaults, shown
from boxship.daemon.views.moments import ZERO

if TYPE_CHECKING:
    from boxship.api.docker.version import Version
    from boxship.images.image import Image

_CONFIG_1_50 = (
    "ArgsEscaped",
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
_NOT_SHOWN_EMPTY = frozenset(("ExposedPorts", "StopSignal", "ArgsEscaped", "Healthcheck", "Shell"))
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")


def entry(image: Image, asked: Version, containers: int = -1) -> dict[str, Any]:
    """An entry of `GET /images/json`."""
    result = {
        "Containers": containers,
        "Created": seconds(image.config.get("created")),
        "Id": image.id,
        "Labels": (image.config.get("config") or {}).get("Labels"),
        "ParentId": image.parent or "",
        "RepoDigests": list(image.repo_digests),
        "RepoTags": list(image.repo_tags),
        "SharedSize": -1,
        "Size": image.size,
    }
    if asked < (1, 44):
        result["VirtualSize"] = image.size
    if asked < (1, 43):
        result["RepoDigests"] = result["RepoDigests"] or None
        if not result["RepoTags"] and not result["RepoDigests"]:
            result |= {"RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]}
    return result


def inspect(image: Image, layers: dict[str, str] | None, asked: Version) -> dict[str, Any]:
    """`GET /images/{name}/json`; `layers` is what the storage driver tells."""
    config = image.config
    result = {
        "Id": image.id,
        "RepoTags": list(image.repo_tags),
        "RepoDigests": list(image.repo_digests),
        "Parent": image.parent or "",
        "Comment": config.get("comment") or _last_comment(config),
        "Created": config.get("created") or "",
        "ContainerConfig": shown(Config, config.get("container_config") or {}),
        "DockerVersion": config.get("docker_version") or "",
        "Author": config.get("author") or "",
        "Architecture": config.get("architecture") or "",
        "Variant": config.get("variant") or "",
        "Os": config.get("os") or "",
        "OsVersion": config.get("os.version") or "",
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": {"Data": layers, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": list(image.layers)},
        "Metadata": {"LastTagTime": image.tagged_at or ZERO},
        "Config": _config(config.get("config") or {}, asked),
    }
    for name in ("Variant", "OsVersion"):
        if not result[name]:
            del result[name]
    if asked >= (1, 45):
        del result["ContainerConfig"]
    if asked >= (1, 44):
        del result["VirtualSize"]
    return result


def history(image: Image, sizes: list[int]) -> list[dict[str, Any]]:
    """`GET /images/{name}/history`: the newest first; `sizes` of the layers from the bottom."""
    left = iter(sizes)
    entries = [_step(step, left) for step in image.config.get("history") or []]
    entries += [_step({}, iter([size])) for size in left]
    entries.reverse()
    if entries:
        entries[0] |= {"Id": image.id, "Tags": list(image.repo_tags) or None}
    return entries


def seconds(text: str | None) -> int:
    """The seconds since 1970 of a time in RFC 3339; of none or nonsense, those of Go's zero."""
    found = _STAMP.match(text or "")
    if not found:
        return -62135596800
    return calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))


def _step(step: dict[str, Any], sizes: Any) -> dict[str, Any]:  # noqa: ANN401 - an iterator
    return {
        "Comment": step.get("comment") or "",
        "Created": seconds(step.get("created")),
        "CreatedBy": step.get("created_by") or "",
        "Id": "<missing>",
        "Size": 0 if step.get("empty_layer") else next(sizes, 0),
        "Tags": None,
    }


def _config(config: dict[str, Any], asked: Version) -> dict[str, Any]:
    """All of Config before 1.50; what the image specification has of it since."""
    if asked < (1, 50):
        return dict(sorted(shown(Config, config).items()))
    values = dict(defaults(Config)) | {k: v for k, v in config.items() if v is not None}
    return {
        name: values[name] for name in _CONFIG_1_50 if values[name] or name not in _NOT_SHOWN_EMPTY
    }


def _last_comment(config: dict[str, Any]) -> str:
    steps = config.get("history") or []
    return str(steps[-1].get("comment") or "") if steps else ""
