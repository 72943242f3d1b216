"""Which containers a list shows: Docker's filters over the engine's containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxship.model.errors import BoxshipError, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from boxship.daemon.container import Container
    from boxship.daemon.engine import Engine
    from boxship.daemon.filters import Filters

    Test = Callable[[Container], bool]

FILTERS = (
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "isolation",
    "is-task",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
)
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
HEALTH = ("none", "starting", "healthy", "unhealthy")
_ASK_FOR_STOPPED = ("status", "exited", "before", "since")


def select(engine: Engine, filters: Filters, *, everything: bool) -> list[Container]:
    """The containers that pass, the newest first."""
    containers = engine.containers.list()
    if not filters:
        return containers if everything else [c for c in containers if c.state.running]
    if not everything and not any(key in filters for key in _ASK_FOR_STOPPED):
        containers = [c for c in containers if c.state.running]
    for test in _tests(engine, filters):
        containers = [c for c in containers if test(c)]
    return containers


def _tests(engine: Engine, filters: Filters) -> list[Test]:
    """What each key that is given asks of a container; a value that makes no sense is an error."""
    makers: dict[str, Callable[[Engine, Filters], Test]] = {
        "ancestor": _ancestor,
        "before": _before,
        "exited": _exited,
        "expose": lambda _, f: _ports(f, "expose"),
        "health": _health,
        "id": lambda _, f: lambda c: f.begins("id", c.id) or f.matches("id", c.id),
        "is-task": _is_task,
        "isolation": lambda _, f: lambda c: f.matches("isolation", c.host_config["Isolation"]),
        "label": lambda _, f: lambda c: f.labelled(c.config.get("Labels")),
        "name": lambda _, f: lambda c: f.matches("name", c.name) or f.matches("name", f"/{c.name}"),
        "network": _network,
        "publish": lambda _, f: _ports(f, "publish"),
        "since": _since,
        "status": _status,
        "volume": _volume,
    }
    return [make(engine, filters) for key, make in makers.items() if key in filters]


def _ancestor(engine: Engine, filters: Filters) -> Test:
    ids = set()
    for wanted in filters.get("ancestor"):
        try:
            ids.add(engine.images.get(wanted).id)
        except BoxshipError:
            continue  # no such image: nothing descends from it
    if ids:
        parents = {image.id: image.parent for image in engine.images.list()}
        for image_id in parents:
            if _descends(image_id, ids, parents):
                ids.add(image_id)
    return lambda c: c.image_id in ids


def _descends(image_id: str | None, ids: set[str], parents: Mapping[str, str | None]) -> bool:
    for _ in range(len(parents)):
        image_id = parents.get(image_id or "")
        if not image_id:
            return False
        if image_id in ids:
            return True
    return False


def _before(engine: Engine, filters: Filters) -> Test:
    born = min(engine.containers.get(ref).created_ns for ref in filters.get("before"))
    return lambda c: c.created_ns < born


def _since(engine: Engine, filters: Filters) -> Test:
    born = max(engine.containers.get(ref).created_ns for ref in filters.get("since"))
    return lambda c: c.created_ns > born


def _exited(_: Engine, filters: Filters) -> Test:
    codes = set()
    for code in filters.get("exited"):
        try:
            codes.add(int(code))
        except ValueError:
            text = f'strconv.Atoi: parsing "{code}": invalid syntax'
            raise Invalid(f"invalid filter 'exited={code}': {text}") from None
    return lambda c: (
        not c.state.running and c.state.started_at_ns > 0 and c.state.exit_code in codes
    )


def _status(_: Engine, filters: Filters) -> Test:
    wanted = filters.get("status")
    _check("status", "state", wanted, STATES)
    return lambda c: c.state.status in wanted


def _health(_: Engine, filters: Filters) -> Test:
    wanted = filters.get("health")
    _check("health", "health", wanted, HEALTH)
    return lambda c: getattr(c.state, "health", "none") in wanted


def _check(key: str, noun: str, values: list[str], known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise Invalid(
                f"invalid filter '{key}={value}': invalid value for {noun} ({value}): "
                f"must be one of {', '.join(known)}"
            )


def _is_task(_: Engine, filters: Filters) -> Test:
    wanted = filters.truth("is-task")
    return lambda _: not wanted


def _network(engine: Engine, filters: Filters) -> Test:
    wanted = filters.get("network")

    def test(container: Container) -> bool:
        networks = container.network_settings.get("Networks") or {}
        names = list(networks) or list(container.networking)
        names += [network.get("NetworkID", "") for network in networks.values()]
        return any(
            name == w or (len(w) > 2 and name.startswith(w)) for name in names for w in wanted
        )

    return test


def _volume(_: Engine, filters: Filters) -> Test:
    wanted = set(filters.get("volume"))
    return lambda c: any(
        mount.get("Name") in wanted or mount["Destination"] in wanted for mount in c.mounts
    )


def _ports(filters: Filters, key: str) -> Test:
    wanted = {port for value in filters.get(key) for port in _port_range(value, key)}

    def test(container: Container) -> bool:
        live = container.network_settings.get("Ports") or {}
        if key == "expose":
            exposed = {*live, *(container.config.get("ExposedPorts") or {})}
            return bool(exposed & wanted)
        return any(port in wanted for port, places in live.items() if places)

    return test


def _port_range(text: str, key: str) -> list[str]:
    """`80`, `80/udp`, `80-90/tcp` -> every port of it as `80/tcp`."""
    ports, _, protocol = text.partition("/")
    first, _, last = ports.partition("-")
    try:
        low, high = int(first), int(last or first)
    except ValueError:
        raise Invalid(
            f"error while looking up for {key} {text}: "
            f'strconv.ParseUint: parsing "{ports}": invalid syntax'
        ) from None
    if not 0 <= low <= high < 1 << 16:
        raise Invalid(f"error while looking up for {key} {text}: no such range of ports")
    return [f"{port}/{protocol or 'tcp'}" for port in range(low, high + 1)]
