"""containerd.services.introspection.v1: what this supervisor has, in containerd's words."""

import os
import platform
from functools import partial
from typing import TYPE_CHECKING

from boxship.api.containerd import introspection_pb2 as api
from boxship.api.containerd.platform_pb2 import Platform
from boxship.api.containerd.runtime_info_pb2 import RuntimeInfo, RuntimeRequest
from boxship.model.errors import NotFound
from boxship.supervisor.filters import parse_filters
from boxship.supervisor.grpc import Call, Service
from boxship.supervisor.services.version import own_version
from boxship.supervisor.shims.foreign import program_of
from boxship.supervisor.shims.shims import OWN, RUNC

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty

    from boxship.supervisor.config import Config
    from boxship.supervisor.filters import Path

RUNTIME, SHIM, GRPC = "io.containerd.runtime.v2", "io.containerd.shim.v1", "io.containerd.grpc.v1"
SERVICES = (
    *("containers", "events", "healthcheck", "introspection"),
    *("leases", "namespaces", "tasks", "version"),
)
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


class Introspection(Service):
    """Plugins, PluginInfo, Server."""

    descriptor = api.DESCRIPTOR.services_by_name["Introspection"]

    def __init__(self, config: "Config", uuid: str) -> None:
        """`uuid` names this supervisor."""
        self._config = config
        self._uuid = uuid

    async def Plugins(self, _: Call, request: api.PluginsRequest) -> api.PluginsResponse:
        """The services that are really there, and the shims that can be started."""
        matches = parse_filters(request.filters)
        found = [one for one in self._plugins() if matches(partial(field_of, one))]
        return api.PluginsResponse(plugins=found)

    async def PluginInfo(self, _: Call, request: api.PluginInfoRequest) -> api.PluginInfoResponse:
        """One plugin; of the runtime also what the asked for shim is."""
        for plugin in self._plugins():
            if (plugin.type, plugin.id) == (request.type, request.id):
                answer = api.PluginInfoResponse(plugin=plugin)
                if request.type == RUNTIME:
                    answer.extra.Pack(_runtime_info(request))
                return answer
        raise NotFound(f"plugin {request.type} {request.id}")

    async def Server(self, _: Call, request: "Empty") -> api.ServerResponse:
        """Which process answers here."""
        pid_namespace = os.stat("/proc/self/ns/pid").st_ino
        return api.ServerResponse(uuid=self._uuid, pid=os.getpid(), pidns=pid_namespace)

    def _plugins(self) -> list[api.Plugin]:
        here = Platform(os="linux", architecture=_architecture())
        exports = {"root": self._config.root, "state": self._config.state}
        plugins = [
            api.Plugin(type="io.containerd.event.v1", id="exchange"),
            api.Plugin(type=RUNTIME, id="task", platforms=[here], exports=exports),
            api.Plugin(type=SHIM, id=OWN, platforms=[here]),
        ]
        program = program_of(RUNC)
        if program is not None:
            plugins.append(
                api.Plugin(type=SHIM, id=RUNC, platforms=[here], exports={"path": program})
            )
        plugins.extend(api.Plugin(type=GRPC, id=name) for name in SERVICES)
        return plugins


def _runtime_info(request: api.PluginInfoRequest) -> RuntimeInfo:
    wanted = RuntimeRequest()
    request.options.Unpack(wanted)
    name = wanted.runtime_path or RUNC
    info = RuntimeInfo(name=name)
    if name == OWN or program_of(name) is None:
        info.name = OWN
        info.version.version = own_version()
    return info


def _architecture() -> str:
    machine = platform.machine()
    return MACHINES.get(machine, machine)


def field_of(plugin: api.Plugin, path: "Path") -> str | None:
    """A field as filters name it: type, id, capabilities."""
    if path == ("type",):
        return plugin.type
    if path == ("id",):
        return plugin.id
    if path == ("capabilities",):
        return ",".join(plugin.capabilities) or None
    return None
