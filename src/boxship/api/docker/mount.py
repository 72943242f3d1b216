"""Mount: one entry of HostConfig.Mounts; nothing that is empty is shown."""

from typing import Any, ClassVar

from boxship.api.docker.document import Document, Int64, names


class BindMount(Document):
    """How a directory of the host is bound."""

    Propagation: str | None = None
    NonRecursive: bool | None = None
    CreateMountpoint: bool | None = None
    ReadOnlyNonRecursive: bool | None = None
    ReadOnlyForceRecursive: bool | None = None

    omit_empty: ClassVar[frozenset[str]] = names(
        "Propagation NonRecursive CreateMountpoint ReadOnlyNonRecursive ReadOnlyForceRecursive"
    )


class DriverChoice(Document):
    """A volume driver and its options."""

    Name: str | None = None
    Options: dict[str, str | None] | None = None

    omit_empty: ClassVar[frozenset[str]] = names("Name Options")


class VolumeMount(Document):
    """How a volume is mounted, and made if there is none."""

    NoCopy: bool | None = None
    Labels: dict[str, str | None] | None = None
    Subpath: str | None = None
    DriverConfig: DriverChoice | None = None

    omit_empty: ClassVar[frozenset[str]] = names("NoCopy Labels Subpath DriverConfig")


class ImageMount(Document):
    """How an image is mounted."""

    Subpath: str | None = None

    omit_empty: ClassVar[frozenset[str]] = names("Subpath")


class TmpfsMount(Document):
    """How a tmpfs is made."""

    SizeBytes: Int64 | None = None
    Mode: Int64 | None = None
    Options: list[list[str]] | None = None

    omit_empty: ClassVar[frozenset[str]] = names("SizeBytes Mode Options")


class Mount(Document):
    """Something at a path of the container."""

    Type: str | None = None
    Source: str | None = None
    Target: str | None = None
    ReadOnly: bool | None = None
    Consistency: str | None = None
    BindOptions: BindMount | None = None
    VolumeOptions: VolumeMount | None = None
    ImageOptions: ImageMount | None = None
    TmpfsOptions: TmpfsMount | None = None
    ClusterOptions: dict[str, Any] | None = None

    omit_empty: ClassVar[frozenset[str]] = names(
        "Type Source Target ReadOnly Consistency BindOptions VolumeOptions ImageOptions "
        "TmpfsOptions ClusterOptions"
    )
