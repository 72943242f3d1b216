"""HostConfig and its parts: what of the host a container gets.  Fields stand in the API's order."""

from typing import ClassVar

import msgspec

from boxship.api.docker.document import Document, Int64, names
from boxship.api.docker.mount import Mount

Texts = list[str] | None
Mapping = dict[str, str | None] | None


class PortBinding(Document):
    """Where on the host a port is published."""

    HostIp: str | None = ""
    HostPort: str | None = ""


class LogChoice(Document):
    """A log driver and its options."""

    Type: str | None = ""
    Config: Mapping = msgspec.field(default_factory=dict)


class Restarts(Document):
    """When a container is started again by itself."""

    Name: str | None = ""
    MaximumRetryCount: Int64 | None = 0


class WeightDevice(Document):
    """A block device's share."""

    Path: str | None = ""
    Weight: Int64 | None = 0


class ThrottleDevice(Document):
    """A block device's limit."""

    Path: str | None = ""
    Rate: Int64 | None = 0


class DeviceMapping(Document):
    """A device of the host in the container."""

    PathOnHost: str | None = ""
    PathInContainer: str | None = ""
    CgroupPermissions: str | None = ""


class DeviceRequest(Document):
    """Devices asked for by what they can do."""

    Driver: str | None = ""
    Count: Int64 | None = 0
    DeviceIDs: Texts = None
    Capabilities: list[list[str]] | None = None
    Options: Mapping = None


class Ulimit(Document):
    """A resource limit."""

    Name: str | None = ""
    Hard: Int64 | None = 0
    Soft: Int64 | None = 0


class HostConfig(Document):
    """The host's side of a container; from CpuShares to IOMaximumBandwidth its limits."""

    Binds: Texts = None
    ContainerIDFile: str | None = ""
    LogConfig: LogChoice | None = msgspec.field(default_factory=LogChoice)
    NetworkMode: str | None = ""
    PortBindings: dict[str, list[PortBinding] | None] | None = None
    RestartPolicy: Restarts | None = msgspec.field(default_factory=Restarts)
    AutoRemove: bool | None = False
    VolumeDriver: str | None = ""
    VolumesFrom: Texts = None
    ConsoleSize: list[Int64] | None = msgspec.field(default_factory=lambda: [0, 0])
    Annotations: Mapping = None
    CapAdd: Texts = None
    CapDrop: Texts = None
    CgroupnsMode: str | None = ""
    Dns: Texts = None
    DnsOptions: Texts = None
    DnsSearch: Texts = None
    ExtraHosts: Texts = None
    GroupAdd: Texts = None
    IpcMode: str | None = ""
    Cgroup: str | None = ""
    Links: Texts = None
    OomScoreAdj: Int64 | None = 0
    PidMode: str | None = ""
    Privileged: bool | None = False
    PublishAllPorts: bool | None = False
    ReadonlyRootfs: bool | None = False
    SecurityOpt: Texts = None
    StorageOpt: Mapping = None
    Tmpfs: Mapping = None
    UTSMode: str | None = ""
    UsernsMode: str | None = ""
    ShmSize: Int64 | None = 0
    Sysctls: Mapping = None
    Runtime: str | None = ""
    Isolation: str | None = ""
    CpuShares: Int64 | None = 0
    Memory: Int64 | None = 0
    NanoCpus: Int64 | None = 0
    CgroupParent: str | None = ""
    BlkioWeight: Int64 | None = 0
    BlkioWeightDevice: list[WeightDevice] | None = None
    BlkioDeviceReadBps: list[ThrottleDevice] | None = None
    BlkioDeviceWriteBps: list[ThrottleDevice] | None = None
    BlkioDeviceReadIOps: list[ThrottleDevice] | None = None
    BlkioDeviceWriteIOps: list[ThrottleDevice] | None = None
    CpuPeriod: Int64 | None = 0
    CpuQuota: Int64 | None = 0
    CpuRealtimePeriod: Int64 | None = 0
    CpuRealtimeRuntime: Int64 | None = 0
    CpusetCpus: str | None = ""
    CpusetMems: str | None = ""
    Devices: list[DeviceMapping] | None = None
    DeviceCgroupRules: Texts = None
    DeviceRequests: list[DeviceRequest] | None = None
    KernelMemory: Int64 | None = None
    KernelMemoryTCP: Int64 | None = None
    MemoryReservation: Int64 | None = 0
    MemorySwap: Int64 | None = 0
    MemorySwappiness: Int64 | None = None
    OomKillDisable: bool | None = False
    PidsLimit: Int64 | None = None
    Ulimits: list[Ulimit] | None = None
    CpuCount: Int64 | None = 0
    CpuPercent: Int64 | None = 0
    IOMaximumIOps: Int64 | None = 0
    IOMaximumBandwidth: Int64 | None = 0
    Mounts: list[Mount] | None = None
    MaskedPaths: Texts = None
    ReadonlyPaths: Texts = None
    Init: bool | None = None

    omit_empty: ClassVar[frozenset[str]] = names(
        "Annotations StorageOpt Tmpfs Sysctls Runtime KernelMemory KernelMemoryTCP Mounts Init"
    )


_NAMES = HostConfig.__struct_fields__
LIMITS = _NAMES[_NAMES.index("CpuShares") : _NAMES.index("IOMaximumBandwidth") + 1]
UPDATABLE = (*LIMITS, "RestartPolicy")
