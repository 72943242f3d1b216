"""A container: an entry of the list, and inspect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxship.api.docker.container import Config
from boxship.api.docker.document import shown
from boxship.api.docker.host_config import HostConfig
from boxship.daemon.views import endpoints, states
from boxship.daemon.views.moments import stamp

if TYPE_CHECKING:
    from boxship.daemon.container import Container

_SECOND = 1_000_000_000


def entry(container: Container, image: str, now_ns: int) -> dict[str, Any]:
    """An entry of `GET /containers/json`; `image` as it is called now."""
    host = container.host_config
    shown_host: dict[str, Any] = {"NetworkMode": host.get("NetworkMode") or "bridge"}
    if host.get("Annotations"):
        shown_host["Annotations"] = host["Annotations"]
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": image,
        "ImageID": container.image_id,
        "Command": command(container),
        "Created": container.created_ns // _SECOND,
        "Ports": endpoints.ports(container),
        "Labels": container.config.get("Labels") or {},
        "State": container.state.status,
        "Status": states.sentence(container.state, now_ns),
        "HostConfig": shown_host,
        "NetworkSettings": {"Networks": endpoints.endpoints(container)},
        "Mounts": [_listed(mount) for mount in container.mounts],
    }


def command(container: Container) -> str:
    """Program and arguments, those with blanks in quotes."""
    words = [f"'{word}'" if " " in word else word for word in container.args]
    return " ".join([container.path, *words])


def inspect(container: Container, layers: dict[str, str] | None) -> dict[str, Any]:
    """`GET /containers/{id}/json`; `layers` is what the storage driver tells."""
    at = container.log_path.rpartition("/")[0] if container.log_path else ""
    return {
        "Id": container.id,
        "Created": stamp(container.created_ns),
        "Path": container.path,
        "Args": container.args,
        "State": states.state(container),
        "Image": container.image_id,
        "ResolvConfPath": f"{at}/resolv.conf" if at else "",
        "HostnamePath": f"{at}/hostname" if at else "",
        "HostsPath": f"{at}/hosts" if at else "",
        "LogPath": container.log_path,
        "Name": f"/{container.name}",
        "RestartCount": container.restart_count,
        "Driver": container.driver,
        "Platform": container.platform,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": container.exec_ids or None,
        "HostConfig": shown(HostConfig, container.host_config),
        "GraphDriver": {"Data": layers, "Name": container.driver},
        "Mounts": container.mounts,
        "Config": shown(Config, container.config),
        "NetworkSettings": endpoints.settings(container),
    }


def _listed(mount: dict[str, Any]) -> dict[str, Any]:
    """A mount as the list shows it: without the place of a volume on the host."""
    return {**mount, "Source": ""} if mount.get("Type") == "volume" else mount
