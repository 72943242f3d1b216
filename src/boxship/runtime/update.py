"""`update`: new limits for a living container."""

from boxship.model.errors import Conflict, System
from boxship.runtime import documents, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def update(container_id: str, root: str, resources: "dict[str, Any]") -> None:
    """Apply what `resources` names, and keep it in the state; the devices stay as they are."""
    container = state.load(container_id, root)
    if container.status() == "stopped" or container.group is None:
        raise Conflict("container not running")
    wanted = {key: value for key, value in resources.items() if key != "devices"}
    try:
        container.group.apply(wanted)
    except OSError as error:
        raise System(f"update the limits of {container_id}: {error.strerror}") from error
    _remember(container, wanted)


def _remember(container: state.State, wanted: "dict[str, Any]") -> None:
    kept = container.spec.setdefault("linux", {}).setdefault("resources", {})
    for section, values in wanted.items():
        if isinstance(values, dict) and isinstance(kept.get(section), dict):
            kept[section].update(values)
        else:
            kept[section] = values
    fields = {key: value for key, value in container.fields.items() if key != "config"}
    state.save(container.directory, fields, documents.render(container.spec).encode())
