"""The containers of an engine in memory: by id, by name, by unique prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.model.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxship.daemon.container import Container


class Containers:
    """Reads never wait: this is a pair of dictionaries."""

    def __init__(self) -> None:
        """No containers."""
        self._by_id: dict[str, Container] = {}
        self._ids: dict[str, str] = {}  # name -> id; a name is claimed before there is a container

    def __iter__(self) -> Iterator[Container]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def list(self) -> list[Container]:
        """All of them, the newest first."""
        return sorted(self._by_id.values(), key=lambda c: c.created_ns, reverse=True)

    def get(self, ref: str) -> Container:
        """By full id, by name, else by a prefix that only one id has."""
        found = self.find(ref)
        if found is None:
            raise NotFound(f"No such container: {ref}")
        return found

    def find(self, ref: str) -> Container | None:
        """As get, or None; an ambiguous prefix is an error all the same."""
        exact = self._by_id.get(ref) or self._by_id.get(self._ids.get(ref.removeprefix("/"), ""))
        if exact or not ref:
            return exact
        matches = [c for i, c in self._by_id.items() if i.startswith(ref)]
        if len(matches) > 1:
            raise Invalid(f"multiple IDs found with provided prefix: {ref}")
        return matches[0] if matches else None

    def claim(self, name: str, container_id: str) -> None:
        """Take a name, or the Conflict that Docker's users know."""
        owner = self._ids.setdefault(name, container_id)
        if owner != container_id:
            raise Conflict(
                f'Conflict. The container name "/{name}" is already in use by container "{owner}". '
                "You have to remove (or rename) that container to be able to reuse that name."
            )

    def taken(self, name: str) -> bool:
        """Whether a name has an owner."""
        return name in self._ids

    def release(self, name: str, container_id: str) -> None:
        """Give a name back, if it is this container's."""
        if self._ids.get(name) == container_id:
            del self._ids[name]

    def add(self, container: Container) -> None:
        """From now on it is found."""
        self._ids[container.name] = container.id
        self._by_id[container.id] = container

    def remove(self, container: Container) -> None:
        """From now on it is not found."""
        self._by_id.pop(container.id, None)
        self.release(container.name, container.id)
