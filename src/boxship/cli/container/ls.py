"""`boxship ps`."""

import time

from boxship.cli import kinds, lists, text
from boxship.cli.command import FILTER, FORMAT_LIST, NO_TRUNC, Command, Flag
from boxship.cli.container.ports import displayed
from boxship.cli.rows import Format, Row, chosen
from boxship.wire.gotemplate.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session

TABLE = (
    "table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}"
    "\\t{{.Names}}"
)
SHORT_COMMAND, SHORT_MOUNT = 20, 15


class ContainerRow(Row):
    """One container."""

    __slots__ = ("now", "trunc")
    go_type = "formatter.ContainerContext"

    def __init__(self, data: "Json", *, now: float, trunc: bool) -> None:
        """`trunc`: ids and commands are cut."""
        super().__init__(data)
        self.now = now
        self.trunc = trunc

    def id(self) -> str:
        """The id."""
        return text.short_id(self.data["Id"]) if self.trunc else str(self.data["Id"])

    def names(self) -> str:
        """The names; when cut, without those that links gave."""
        names = [name.removeprefix("/") for name in self.data["Names"] or ()]
        if self.trunc:
            names = [name for name in names if "/" not in name]
        return ",".join(names)

    def image(self) -> str:
        """The image, by the name it was asked for."""
        image = str(self.data["Image"])
        if not image:
            return "<no image>"
        if not self.trunc:
            return image
        identity = str(self.data.get("ImageID", ""))
        if text.short_id(image) == text.short_id(identity):
            return text.short_id(identity)
        name, at, _ = image.partition("@")
        return name if at and ":" in name.rpartition("/")[2] else image

    def command(self) -> str:
        """The command, quoted."""
        command = str(self.data["Command"])
        return quote(text.ellipsis(command, SHORT_COMMAND) if self.trunc else command)

    def running_for(self) -> str:
        """The age."""
        return text.ago(self.data["Created"], self.now)

    def mounts(self) -> str:
        """Names or sources of mounts."""
        found = []
        for mount in self.data.get("Mounts") or ():
            name = mount.get("Name") or mount.get("Source", "")
            found.append(text.ellipsis(name, SHORT_MOUNT) if self.trunc else name)
        return ",".join(found)

    def local_volumes(self) -> str:
        """How many volumes."""
        mounts = self.data.get("Mounts") or ()
        return str(sum(1 for mount in mounts if mount.get("Driver") == "local"))

    def networks(self) -> str:
        """Names of networks."""
        settings = self.data.get("NetworkSettings") or {}
        return ",".join(sorted(settings.get("Networks") or {}))

    def size(self) -> str:
        """Own size, and with the image."""
        own = text.size(self.data.get("SizeRw") or 0)
        whole = self.data.get("SizeRootFs") or 0
        return f"{own} (virtual {text.size(whole)})" if whole > 0 else own

    def label(self, name: str) -> str:
        """One label."""
        return str((self.data.get("Labels") or {}).get(name, ""))


ContainerRow.columns = {
    "Command": ("COMMAND", ContainerRow.command),
    "CreatedAt": ("CREATED AT", lambda row: text.go_time(row.data["Created"])),
    "ID": ("CONTAINER ID", ContainerRow.id),
    "Image": ("IMAGE", ContainerRow.image),
    "Labels": ("LABELS", lambda row: lists.labels(row.data.get("Labels"))),
    "LocalVolumes": ("LOCAL VOLUMES", ContainerRow.local_volumes),
    "Mounts": ("MOUNTS", ContainerRow.mounts),
    "Names": ("NAMES", ContainerRow.names),
    "Networks": ("NETWORKS", ContainerRow.networks),
    "Platform": ("PLATFORM", lambda _: None),
    "Ports": ("PORTS", lambda row: displayed(row.data.get("Ports") or ())),
    "RunningFor": ("CREATED", ContainerRow.running_for),
    "Size": ("SIZE", ContainerRow.size),
    "State": ("STATE", lambda row: row.data["State"]),
    "Status": ("STATUS", lambda row: row.data["Status"]),
}
ContainerRow.methods = {"Label": ContainerRow.label}


def run(session: "Session", flags: "Values", _arguments: list[str]) -> int:
    """List containers."""
    limit = 1 if flags["latest"] and flags["last"] == -1 else flags["last"]
    wanted = chosen(flags["format"], session.config.text("psFormat"), quiet=flags["quiet"])
    lists.warn_about_format(session, flags)
    containers = session.client.get(
        "/containers/json",
        all=flags["all"],
        limit=limit if limit > 0 else None,
        size=flags["size"] or _uses_size(flags, wanted),
        filters=lists.filters(flags["filter"]),
    )
    now = time.time()
    rows = [ContainerRow(data, now=now, trunc=not flags["no-trunc"]) for data in containers]
    if flags["quiet"]:
        session.out("".join(f"{row.id()}\n" for row in rows))
        return 0
    if wanted == "table":
        wanted = TABLE + ("\\t{{.Size}}" if flags["size"] else "")
    session.out(Format(wanted).render(rows, ContainerRow))
    return 0


def _uses_size(flags: "Values", wanted: str) -> bool:
    return not flags["quiet"] and ".Size" in wanted


COMMAND = Command(
    "[OPTIONS]",
    "List containers",
    run,
    flags=(
        Flag("all", kinds.BOOL, "Show all containers, not only running ones", "a"),
        FILTER,
        FORMAT_LIST,
        Flag("last", kinds.INT, "Show the last N created containers, in any state", "n", -1),
        Flag("latest", kinds.BOOL, "Show the last created container, in any state", "l"),
        NO_TRUNC,
        Flag("quiet", kinds.BOOL, "Only print the ids", "q"),
        Flag("size", kinds.BOOL, "Show sizes", "s"),
    ),
    limits=(0, 0),
    aliases=("container ls", "container list", "container ps", "ps"),
)
