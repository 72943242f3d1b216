"""The body of `POST /volumes/create`."""

from boxship.api.docker.document import Document


class VolumeCreateRequest(Document):
    """A volume as asked for."""

    Name: str | None = ""
    Driver: str | None = ""
    DriverOpts: dict[str, str | None] | None = None
    Labels: dict[str, str | None] | None = None
