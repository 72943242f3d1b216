"""An image as a value, and the texts of its configuration."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from boxship.model.digest import Digest, chain_ids
from boxship.model.errors import Invalid
from boxship.model.reference import Reference

MAX_LAYERS = 500


@dataclass(frozen=True, slots=True)
class Image:
    """One image: `config` is its whole configuration document, which nobody may change."""

    id: str
    config: dict[str, Any]
    size: int
    parent: str = ""
    tagged_at: str = ""
    references: tuple[Reference, ...] = field(default=())

    @property
    def layers(self) -> list[str]:
        """The diff id of each layer, the lowest first."""
        return diff_ids(self.config)

    @property
    def top_layer(self) -> str | None:
        """The chain id of the uppermost layer."""
        chain = chain_ids(self.layers)
        return str(chain[-1]) if chain else None

    @property
    def repo_tags(self) -> list[str]:
        """Its tags, as people type them."""
        return [reference.familiar() for reference in self.references if reference.digest is None]

    @property
    def repo_digests(self) -> list[str]:
        """The digests of manifests that name it, as people type them."""
        return [reference.familiar() for reference in self.references if reference.digest]

    @property
    def created(self) -> str:
        """When, as its configuration says it."""
        created = self.config.get("created")
        return created if isinstance(created, str) else ""


def diff_ids(config: dict[str, Any]) -> list[str]:
    """The layers that a configuration names, as plain text, or `Invalid`."""
    rootfs = config.get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if found is None:
        found = []
    if not isinstance(found, list) or len(found) > MAX_LAYERS:
        raise Invalid("invalid image configuration: rootfs.diff_ids")
    return [_checked(item) for item in found]


def _checked(item: object) -> str:
    return str(Digest.parse(item if isinstance(item, str) else ""))


def encode(config: dict[str, Any]) -> bytes:
    """The bytes of a configuration that we made, as Go's encoder writes them."""
    text = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    for char, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(char, escaped)
    return text.encode()


def timestamp(nanoseconds: int) -> str:
    """RFC 3339 with as many digits as it takes, as Go's RFC3339Nano."""
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{text}{fraction}Z"
