"""containerd.services.version.v1."""

from google.protobuf.empty_pb2 import Empty

from boxship.api.containerd import version_pb2 as api
from boxship.supervisor.grpc import Call, Service


class Version(Service):
    """Version."""

    descriptor = api.DESCRIPTOR.services_by_name["Version"]

    async def Version(self, _: Call, request: Empty) -> api.VersionResponse:
        """Ours; the revision says whose it is."""
        return api.VersionResponse(version=own_version(), revision="boxship")


def own_version() -> str:
    """The version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version  # large, seldom asked for

    try:
        return version("boxship")
    except PackageNotFoundError:
        return "0"
