"""Which images a list shows: Docker's filters."""

from __future__ import annotations

import fnmatch
import time
from typing import TYPE_CHECKING

from boxship.daemon.routes.prune import until_ns
from boxship.daemon.views.images import seconds

if TYPE_CHECKING:
    from boxship.daemon.filters import Filters
    from boxship.images.images import Image, Images

FILTERS = ("before", "dangling", "label", "reference", "since", "until")


def select(images: Images, filters: Filters) -> list[Image]:
    """The images that pass, the newest first."""
    dangling = filters.truth("dangling")
    found = [
        image
        for image in images.list()
        if filters.labelled((image.config.get("config") or {}).get("Labels"))
        and (dangling is None or dangling is not bool(image.repo_tags))
        and _named(image, filters.get("reference"))
    ]
    found = _of_age(images, found, filters)
    return sorted(found, key=_born, reverse=True)


def _of_age(images: Images, found: list[Image], filters: Filters) -> list[Image]:
    for ref in filters.get("before"):
        limit = _born(images.get(ref))
        found = [image for image in found if _born(image) < limit]
    for ref in filters.get("since"):
        limit = _born(images.get(ref))
        found = [image for image in found if _born(image) > limit]
    for text in filters.get("until"):
        end = until_ns(text, time.time_ns()) // 1_000_000_000
        found = [image for image in found if seconds(image.config.get("created")) <= end]
    return found


def _born(image: Image) -> str:
    return str(image.config.get("created") or "")


def _named(image: Image, patterns: list[str]) -> bool:
    """Whether one of its names matches: `busybox`, `busybox:*`, `*/tool`."""
    if not patterns:
        return True
    names = [*image.repo_tags, *image.repo_digests]
    return any(_matches(pattern, name) for pattern in patterns for name in names)


def _matches(pattern: str, name: str) -> bool:
    repository = name.partition("@")[0]
    last = repository.rpartition("/")[2]
    bare = repository.rpartition(":")[0] if ":" in last else repository
    return any(
        candidate.count("/") == pattern.count("/") and fnmatch.fnmatchcase(candidate, pattern)
        for candidate in (name, bare)
    )
