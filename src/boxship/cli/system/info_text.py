"""What `info` says, as lines."""

from boxship.cli import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxship.api.docker.http import Json

STANDARD_PROXIES = (
    ("HttpProxy", "HTTP Proxy"),
    ("HttpsProxy", "HTTPS Proxy"),
    ("NoProxy", "No Proxy"),
)


def whole(client: "Json", server: "Json") -> str:
    """Both halves."""
    lines = [
        "Client:",
        f" Version:    {client['version']}",
        f" Context:    {client['context']}",
        f" Debug Mode: {truth(client['debug'])}",
        "",
        "Server:",
    ]
    if server is not None:
        lines += [*_counts(server), *_drivers(server), *_runtimes(server), *_security(server)]
        lines += [*_host(server), *_settings(server), ""]
    return "\n".join(lines) + "\n"


def truth(value: object) -> str:
    """Go's true and false."""
    return "true" if value else "false"


def _counts(info: "Json") -> "Iterator[str]":
    yield f" Containers: {info['Containers']}"
    yield f"  Running: {info['ContainersRunning']}"
    yield f"  Paused: {info['ContainersPaused']}"
    yield f"  Stopped: {info['ContainersStopped']}"
    yield f" Images: {info['Images']}"
    yield from _given(info, "ServerVersion", " Server Version")
    yield from _given(info, "Driver", " Storage Driver")
    for name, value in info.get("DriverStatus") or ():
        yield f"  {name}: {value}"
    for name, value in info.get("SystemStatus") or ():
        yield f" {name}: {value}"


def _given(info: "Json", name: str, title: str) -> "Iterator[str]":
    if info.get(name):
        yield f"{title}: {info[name]}"


def _drivers(info: "Json") -> "Iterator[str]":
    yield from _given(info, "LoggingDriver", " Logging Driver")
    yield from _given(info, "CgroupDriver", " Cgroup Driver")
    yield from _given(info, "CgroupVersion", " Cgroup Version")
    yield " Plugins:"
    plugins = info.get("Plugins") or {}
    yield f"  Volume: {' '.join(plugins.get('Volume') or ())}"
    yield f"  Network: {' '.join(plugins.get('Network') or ())}"
    if plugins.get("Authorization"):
        yield f"  Authorization: {' '.join(plugins['Authorization'])}"
    yield f"  Log: {' '.join(plugins.get('Log') or ())}"
    if info.get("CDISpecDirs"):
        yield " CDI spec directories:"
        yield from (f"  {directory}" for directory in info["CDISpecDirs"])
    yield f" Swarm: {(info.get('Swarm') or {}).get('LocalNodeState', 'inactive')}"


def _runtimes(info: "Json") -> "Iterator[str]":
    names = info.get("Runtimes") or {}
    if names:
        yield f" Runtimes: {' '.join(sorted(names))}"
        yield f" Default Runtime: {info.get('DefaultRuntime', '')}"
    if info.get("OSType") != "linux":
        return
    yield f" Init Binary: {info.get('InitBinary', '')}"
    for name, title in (("Containerd", "containerd"), ("Runc", "runc"), ("Init", "init")):
        commit = info.get(f"{name}Commit") or {}
        yield f" {title} version: {commit.get('ID', '')}"


def _security(info: "Json") -> "Iterator[str]":
    if not info.get("SecurityOptions"):
        return
    yield " Security Options:"
    for option in info["SecurityOptions"]:
        terms = [term.partition("=")[::2] for term in option.split(",")]
        for name, value in terms:
            if name == "name":
                yield f"  {value}"
            else:
                yield f"   {name.capitalize()}: {value}"


def _host(info: "Json") -> "Iterator[str]":
    yield from _given(info, "KernelVersion", " Kernel Version")
    yield from _given(info, "OperatingSystem", " Operating System")
    yield from _given(info, "OSType", " OSType")
    yield from _given(info, "Architecture", " Architecture")
    yield f" CPUs: {info['NCPU']}"
    yield f" Total Memory: {text.binary_size(info['MemTotal'])}"
    yield from _given(info, "Name", " Name")
    yield from _given(info, "ID", " ID")
    yield f" Docker Root Dir: {info.get('DockerRootDir', '')}"
    yield f" Debug Mode: {truth(info.get('Debug'))}"
    if info.get("Debug"):
        yield f"  File Descriptors: {info.get('NFd', 0)}"
        yield f"  Goroutines: {info.get('NGoroutines', 0)}"
        yield f"  System Time: {info.get('SystemTime', '')}"
        yield f"  EventsListeners: {info.get('NEventsListener', 0)}"
    for name, title in STANDARD_PROXIES:
        yield from _given(info, name, f" {title}")


def _settings(info: "Json") -> "Iterator[str]":
    if info.get("Labels"):
        yield " Labels:"
        yield from (f"  {label}" for label in info["Labels"])
    yield f" Experimental: {truth(info.get('ExperimentalBuild'))}"
    registries = info.get("RegistryConfig") or {}
    configs = registries.get("IndexConfigs") or {}
    insecure = [name for name in sorted(configs) if not configs[name].get("Secure")]
    networks = registries.get("InsecureRegistryCIDRs") or []
    if insecure or networks:
        yield " Insecure Registries:"
        yield from (f"  {name}" for name in (*insecure, *networks))
    if registries.get("Mirrors"):
        yield " Registry Mirrors:"
        yield from (f"  {mirror}" for mirror in registries["Mirrors"])
    yield f" Live Restore Enabled: {truth(info.get('LiveRestoreEnabled'))}"
    yield from _given(info, "ProductLicense", " Product License")
    if info.get("DefaultAddressPools"):
        yield " Default Address Pools:"
        for pool in info["DefaultAddressPools"]:
            yield f"   Base: {pool['Base']}, Size: {pool['Size']}"
