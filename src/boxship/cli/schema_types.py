"""Types of the Engine API 1.50: the name in Go, and the fields in their order."""

TYPES = {
    "Container": (
        "container.InspectResponse",
        "ID=Id:s Created:s Path:s Args:[]s State:*State Image:s ResolvConfPath:s HostnamePath:s "
        "HostsPath:s LogPath:s Name:s RestartCount:i Driver:s Platform:s MountLabel:s "
        "ProcessLabel:s AppArmorProfile:s ExecIDs:[]s HostConfig:*HostConfig "
        "GraphDriver:DriverData SizeRw:*i SizeRootFs:*i Mounts:[]Mount Config:*Config "
        "NetworkSettings:*NetworkSettings ImageManifestDescriptor:*Descriptor",
    ),
    "State": (
        "container.State",
        "Status:s Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:i ExitCode:i Error:s "
        "StartedAt:s FinishedAt:s Health:*Health",
    ),
    "Health": ("container.Health", "Status:s FailingStreak:i Log:[]*HealthResult"),
    "HealthResult": ("container.HealthcheckResult", "Start:s End:s ExitCode:i Output:s"),
    "Mount": (
        "container.MountPoint",
        "Type:s Name:s Source:s Destination:s Driver:s Mode:s RW:b Propagation:s",
    ),
    "Config": (
        "container.Config",
        "Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b AttachStderr:b "
        "ExposedPorts:<>Empty Tty:b OpenStdin:b StdinOnce:b Env:[]s Cmd:[]s "
        "Healthcheck:*HealthConfig ArgsEscaped:b Image:s Volumes:{}Empty WorkingDir:s "
        "Entrypoint:[]s NetworkDisabled:b MacAddress:s OnBuild:[]s Labels:{}s StopSignal:s "
        "StopTimeout:*i Shell:[]s",
    ),
    "Empty": ("struct {}", ""),
    "HealthConfig": (
        "v1.HealthcheckConfig",
        "Test:[]s Interval:i Timeout:i StartPeriod:i StartInterval:i Retries:i",
    ),
    "HostConfig": (
        "container.HostConfig",
        "Binds:[]s ContainerIDFile:s LogConfig:LogConfig NetworkMode:s PortBindings:<>[]Binding "
        "RestartPolicy:RestartPolicy AutoRemove:b VolumeDriver:s VolumesFrom:[]s ConsoleSize:[]i "
        "Annotations:{}s CapAdd:[]s CapDrop:[]s CgroupnsMode:s DNS=Dns:[]s "
        "DNSOptions=DnsOptions:[]s DNSSearch=DnsSearch:[]s ExtraHosts:[]s GroupAdd:[]s IpcMode:s "
        "Cgroup:s Links:[]s "
        "OomScoreAdj:i PidMode:s Privileged:b PublishAllPorts:b ReadonlyRootfs:b SecurityOpt:[]s "
        "StorageOpt:{}s Tmpfs:{}s UTSMode:s UsernsMode:s ShmSize:i Sysctls:{}s Runtime:s "
        "Isolation:s CPUShares=CpuShares:i Memory:i NanoCPUs=NanoCpus:i CgroupParent:s "
        "BlkioWeight:i BlkioWeightDevice:[]*WeightDevice BlkioDeviceReadBps:[]*Throttle "
        "BlkioDeviceWriteBps:[]*Throttle BlkioDeviceReadIOps:[]*Throttle "
        "BlkioDeviceWriteIOps:[]*Throttle CPUPeriod=CpuPeriod:i CPUQuota=CpuQuota:i "
        "CPURealtimePeriod=CpuRealtimePeriod:i CPURealtimeRuntime=CpuRealtimeRuntime:i "
        "CpusetCpus:s CpusetMems:s Devices:[]Device DeviceCgroupRules:[]s "
        "DeviceRequests:[]DeviceRequest KernelMemory:i KernelMemoryTCP:i MemoryReservation:i "
        "MemorySwap:i MemorySwappiness:*i OomKillDisable:*b PidsLimit:*i Ulimits:[]*Ulimit "
        "CPUCount=CpuCount:i CPUPercent=CpuPercent:i IOMaximumIOps:i IOMaximumBandwidth:i "
        "Mounts:[]MountSpec MaskedPaths:[]s ReadonlyPaths:[]s Init:*b",
    ),
    "LogConfig": ("container.LogConfig", "Type:s Config:{}s"),
    "RestartPolicy": ("container.RestartPolicy", "Name:s MaximumRetryCount:i"),
    "Binding": ("nat.PortBinding", "HostIP=HostIp:s HostPort:s"),
    "WeightDevice": ("blkiodev.WeightDevice", "Path:s Weight:i"),
    "Throttle": ("blkiodev.ThrottleDevice", "Path:s Rate:i"),
    "Device": (
        "container.DeviceMapping",
        "PathOnHost:s PathInContainer:s CgroupPermissions:s",
    ),
    "DeviceRequest": (
        "container.DeviceRequest",
        "Driver:s Count:i DeviceIDs:[]s Capabilities:[][]s Options:{}s",
    ),
    "Ulimit": ("units.Ulimit", "Name:s Hard:i Soft:i"),
    "MountSpec": (
        "mount.Mount",
        "Type:s Source:s Target:s ReadOnly:b Consistency:s BindOptions:any VolumeOptions:any "
        "ImageOptions:any TmpfsOptions:any ClusterOptions:any",
    ),
    "NetworkSettings": (
        "container.NetworkSettings",
        "Bridge:s SandboxID:s SandboxKey:s Ports:<>[]Binding HairpinMode:b "
        "LinkLocalIPv6Address:s LinkLocalIPv6PrefixLen:i SecondaryIPAddresses:[]any "
        "SecondaryIPv6Addresses:[]any EndpointID:s Gateway:s GlobalIPv6Address:s "
        "GlobalIPv6PrefixLen:i IPAddress:s IPPrefixLen:i IPv6Gateway:s MacAddress:s "
        "Networks:{}*Endpoint",
    ),
    "Endpoint": (
        "network.EndpointSettings",
        "IPAMConfig:*EndpointIPAM Links:[]s Aliases:[]s MacAddress:s DriverOpts:{}s GwPriority:i "
        "NetworkID:s EndpointID:s Gateway:s IPAddress:s IPPrefixLen:i IPv6Gateway:s "
        "GlobalIPv6Address:s GlobalIPv6PrefixLen:i DNSNames:[]s",
    ),
    "EndpointIPAM": (
        "network.EndpointIPAMConfig",
        "IPv4Address:s IPv6Address:s LinkLocalIPs:[]s",
    ),
    "Descriptor": (
        "v1.Descriptor",
        "MediaType=mediaType:s Digest=digest:s Size=size:i URLs=urls:[]s "
        "Annotations=annotations:{}s Platform=platform:any",
    ),
    "DriverData": ("storage.DriverData", "Data:{}s Name:s"),
    "Image": (
        "image.InspectResponse",
        "ID=Id:s RepoTags:[]s RepoDigests:[]s Parent:s Comment:s Created:s Container:s "
        "ContainerConfig:*Config DockerVersion:s Author:s Config:*ImageConfig Architecture:s "
        "Variant:s Os:s OsVersion:s Size:i VirtualSize:i GraphDriver:DriverData RootFS:RootFS "
        "Metadata:any Descriptor:*Descriptor Manifests:[]any",
    ),
    "ImageConfig": (
        "v1.DockerOCIImageConfig",
        "User:s ExposedPorts:<>Empty Env:[]s Entrypoint:[]s Cmd:[]s Volumes:{}Empty WorkingDir:s "
        "Labels:{}s StopSignal:s ArgsEscaped:b Healthcheck:*HealthConfig OnBuild:[]s Shell:[]s",
    ),
    "RootFS": ("image.RootFS", "Type:s Layers:[]s"),
    "Network": (
        "network.Inspect",
        "Name:s ID=Id:s Created:s Scope:s Driver:s EnableIPv4:b EnableIPv6:b IPAM:IPAM Internal:b "
        "Attachable:b Ingress:b ConfigFrom:ConfigReference ConfigOnly:b "
        "Containers:{}EndpointResource Options:{}s Labels:{}s Peers:[]any Services:{}any",
    ),
    "IPAM": ("network.IPAM", "Driver:s Options:{}s Config:[]IPAMConfig"),
    "IPAMConfig": (
        "network.IPAMConfig",
        "Subnet:s IPRange:s Gateway:s AuxAddress=AuxiliaryAddresses:{}s",
    ),
    "ConfigReference": ("network.ConfigReference", "Network:s"),
    "EndpointResource": (
        "network.EndpointResource",
        "Name:s EndpointID:s MacAddress:s IPv4Address:s IPv6Address:s",
    ),
    "Volume": (
        "volume.Volume",
        "ClusterVolume:*Empty CreatedAt:s Driver:s Labels:{}s Mountpoint:s Name:s Options:{}s "
        "Scope:s Status:{}any UsageData:*UsageData",
    ),
    "UsageData": ("volume.UsageData", "RefCount:i Size:i"),
    "Event": (
        "events.Message",
        "Status=status:s ID=id:s From=from:s Type:s Action:s Actor:Actor Scope=scope:s "
        "Time=time:i TimeNano=timeNano:i",
    ),
    "Actor": ("events.Actor", "ID:s Attributes:{}s"),
}
