"""Named volumes on this host: <data-root>/volumes/<name>/{_data,options.json}."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from boxship.model.errors import Conflict, Invalid, NotFound
from boxship.storage.trees import remove_tree

ANONYMOUS = "com.docker.volume.anonymous"
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_MAX_NAME = 255
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")

Volume = dict[str, Any]
Texts = dict[str, str]


class Volumes:
    """Directories by name; a name with 64 hex digits is anonymous and goes with its container."""

    def __init__(self, root: str) -> None:
        """Volumes live below `root`."""
        self._root = root

    def anonymous(self) -> str:
        """A new name for a volume without one."""
        return secrets.token_hex(32)

    def path(self, name: str) -> str:
        """Where the data of a volume is."""
        return os.path.join(self._root, name, "_data")

    def point(self, name: str, destination: str, *, rw: bool, mode: str) -> dict[str, Any]:
        """The mount point of a volume; `make` makes those that are missing."""
        return {
            "Type": "volume",
            "Name": name,
            "Source": self.path(name),
            "Destination": destination,
            "Driver": "local",
            "Mode": mode,
            "RW": rw,
            "Propagation": "",
        }

    def make(self, mounts: Iterable[dict[str, Any]]) -> None:
        """Make the volumes among these mount points that are not there yet."""
        for mount in mounts:
            if mount["Type"] == "volume":
                os.makedirs(mount["Source"], mode=0o755, exist_ok=True)

    def remove_anonymous(
        self, mounts: Iterable[dict[str, Any]], in_use: Container[str] = ()
    ) -> None:
        """Remove the volumes of a container that nobody gave a name and nobody else uses."""
        for mount in mounts:
            name = mount.get("Name") or ""
            if _is_anonymous(name) and name not in in_use:
                with suppress(OSError):
                    remove_tree(os.path.join(self._root, name))

    # -- as the API shows them -------------------------------------------------------------------

    def list(self) -> list[Volume]:
        """Every volume, by name; what is none (lost+found, one half removed) hides no other."""
        found = []
        for name in sorted(entry.name for entry in os.scandir(self._root) if entry.is_dir()):
            with suppress(NotFound, Invalid):
                found.append(self.get(name))
        return found

    def get(self, name: str) -> Volume:
        """A volume as `docker volume inspect` shows it."""
        self._check(name)
        try:
            born = os.stat(self.path(name)).st_ctime
        except FileNotFoundError:
            raise NotFound(f"get {name}: no such volume") from None
        asked = self._asked(name)
        labels = asked.get("Labels") or ({ANONYMOUS: ""} if _is_anonymous(name) else None)
        at = asked.get("CreatedAt") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(born))
        return {
            "CreatedAt": at,
            "Driver": "local",
            "Labels": labels,
            "Mountpoint": self.path(name),
            "Name": name,
            "Options": asked.get("Options"),
            "Scope": "local",
        }

    def create(self, name: str, driver: str, options: Texts | None, labels: Texts | None) -> Volume:
        """Make a volume; one that is there already stays as it is, unless it would differ."""
        if driver not in ("", "local"):
            raise NotFound(
                f'error looking up volume plugin {driver}: plugin "{driver}" not found',
                hint="only the driver local is there",
            )
        if options:
            raise Invalid(f"create {name}: options of the driver local are not there yet")
        if name and os.path.isdir(self.path(self._check(name))):
            return self.get(name)
        if not name:
            name, labels = self.anonymous(), {**(labels or {}), ANONYMOUS: ""}
        os.makedirs(self.path(name), mode=0o755)
        asked = {
            "CreatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "Labels": labels or None,
            "Options": None,
        }
        with open(os.path.join(self._root, name, "options.json"), "w") as file:
            json.dump(asked, file)
        return self.get(name)

    def remove(self, name: str) -> None:
        """Remove a volume and all that is in it; one that was half removed goes, too."""
        if not os.path.isdir(os.path.join(self._root, self._check(name))):
            raise NotFound(f"get {name}: no such volume")
        try:
            remove_tree(os.path.join(self._root, name))
        except OSError as e:
            raise Conflict(f"remove {name}: {e}") from e

    def _check(self, name: str) -> str:
        if len(name) > _MAX_NAME:
            raise Invalid(f"create {name}: volume name is too long, it may have {_MAX_NAME} bytes")
        if not _NAME.fullmatch(name):
            raise Invalid(
                f'create {name}: "{name}" includes invalid characters for a local volume name, '
                'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. '
                "If you intended to pass a host directory, use absolute path"
            )
        return name

    def _asked(self, name: str) -> dict[str, Any]:
        try:
            with open(os.path.join(self._root, name, "options.json")) as file:
                known: dict[str, Any] = json.load(file)
        except (FileNotFoundError, ValueError):  # made by a container, or torn by a crash
            return {}
        return known


def _is_anonymous(name: str) -> bool:
    return len(name) == 64 and not set(name) - set("0123456789abcdef")
