"""`boxship volume ls`."""

from boxship.cli import kinds, lists
from boxship.cli.command import FILTER, FORMAT_LIST, Command, Flag
from boxship.cli.rows import Format, Row, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.command import Values
    from boxship.cli.session import Session

TABLE = "table {{.Driver}}\\t{{.Name}}"


class VolumeRow(Row):
    """One volume."""

    __slots__ = ()
    go_type = "formatter.volumeContext"

    def label(self, name: str) -> str:
        """One label."""
        return str((self.data.get("Labels") or {}).get(name, ""))


def _not_known(_row: VolumeRow) -> str:
    return "N/A"


VolumeRow.columns = {
    "Availability": ("AVAILABILITY", _not_known),
    "Driver": ("DRIVER", lambda row: row.data["Driver"]),
    "Group": ("GROUP", _not_known),
    "Labels": ("LABELS", lambda row: lists.labels(row.data.get("Labels"))),
    "Links": ("LINKS", _not_known),
    "Mountpoint": ("MOUNTPOINT", lambda row: row.data["Mountpoint"]),
    "Name": ("VOLUME NAME", lambda row: row.data["Name"]),
    "Scope": ("SCOPE", lambda row: row.data["Scope"]),
    "Size": ("SIZE", _not_known),
    "Status": ("STATUS", _not_known),
}
VolumeRow.methods = {"Label": VolumeRow.label}


def run(session: "Session", flags: "Values", _arguments: list[str]) -> int:
    """List volumes."""
    lists.warn_about_format(session, flags)
    answer = session.client.get("/volumes", filters=lists.filters(flags["filter"]))
    volumes = sorted(answer["Volumes"] or (), key=lambda volume: str(volume["Name"]))
    if flags["cluster"]:
        volumes = [volume for volume in volumes if volume.get("ClusterVolume")]
    if flags["quiet"]:
        session.out("".join(f"{volume['Name']}\n" for volume in volumes))
        return 0
    wanted = chosen(flags["format"], session.config.text("volumesFormat"))
    rows = [VolumeRow(volume) for volume in volumes]
    session.out(Format(TABLE if wanted == "table" else wanted).render(rows, VolumeRow))
    return 0


COMMAND = Command(
    "[OPTIONS]",
    "List volumes",
    run,
    flags=(
        Flag("cluster", kinds.BOOL, "Only volumes of the cluster"),
        FILTER,
        FORMAT_LIST,
        Flag("quiet", kinds.BOOL, "Only print the names", "q"),
    ),
    limits=(0, 0),
    aliases=("volume ls", "volume list"),
)
