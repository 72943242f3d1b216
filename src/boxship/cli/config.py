"""The user's config.json."""

import json
import os

from boxship.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json


def directory() -> str:
    """Where the configuration is, by default."""
    return os.environ.get("DOCKER_CONFIG") or os.path.join(home(), ".docker")


def home() -> str:
    """The user's home directory."""
    return os.environ.get("HOME") or os.path.expanduser("~")


class Config:
    """What config.json says; nothing where there is no file."""

    __slots__ = ("directory", "values")

    def __init__(self, where: str) -> None:
        """Read it."""
        self.directory = where
        self.values: dict[str, Json] = {}
        path = os.path.join(where, "config.json")
        try:
            with open(path, encoding="utf-8") as file:
                self.values = json.load(file)
        except FileNotFoundError:
            return
        except PermissionError as error:
            raise Failure(f"WARNING: Error loading config file: {error}") from None
        except ValueError as error:
            raise Failure(
                f"Error loading config file {path}: {error}; mend it, or name another "
                "directory with --config"
            ) from None

    def text(self, name: str) -> str:
        """A setting that is a text, or ''."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def context_host(self, name: str) -> str:
        """The address that a context stands for."""
        import hashlib

        folder = hashlib.sha256(name.encode()).hexdigest()
        path = os.path.join(self.directory, "contexts", "meta", folder, "meta.json")
        try:
            with open(path, encoding="utf-8") as file:
                return str(json.load(file)["Endpoints"]["docker"]["Host"])
        except (OSError, ValueError, KeyError, TypeError):
            raise Failure(
                f'Failed to initialize: unable to resolve docker endpoint: context "{name}": '
                f"context not found: {path}"
            ) from None
