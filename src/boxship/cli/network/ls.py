"""`boxship network ls`."""

from boxship.cli import kinds, lists, text
from boxship.cli.command import FILTER, FORMAT_LIST, NO_TRUNC, Command, Flag
from boxship.cli.rows import Format, Row, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session

TABLE = "table {{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}"


class NetworkRow(Row):
    """One network."""

    __slots__ = ("trunc",)
    go_type = "formatter.networkContext"

    def __init__(self, data: "Json", *, trunc: bool) -> None:
        """`trunc`: ids are cut."""
        super().__init__(data)
        self.trunc = trunc

    def id(self) -> str:
        """The id."""
        return text.short_id(self.data["Id"]) if self.trunc else str(self.data["Id"])

    def created_at(self) -> str:
        """The time, as Go prints one."""
        date, _, rest = str(self.data["Created"]).partition("T")
        clock, _, fraction = rest.removesuffix("Z").partition(".")
        fraction = fraction.rstrip("0")
        return f"{date} {clock}{'.' if fraction else ''}{fraction} +0000 UTC"

    def label(self, name: str) -> str:
        """One label."""
        return str((self.data.get("Labels") or {}).get(name, ""))


def _truth(value: object) -> str:
    return "true" if value else "false"


NetworkRow.columns = {
    "CreatedAt": ("CREATED AT", NetworkRow.created_at),
    "Driver": ("DRIVER", lambda row: row.data["Driver"]),
    "ID": ("NETWORK ID", NetworkRow.id),
    "IPv4": ("IPV4", lambda row: _truth(row.data.get("EnableIPv4", True))),
    "IPv6": ("IPV6", lambda row: _truth(row.data["EnableIPv6"])),
    "Internal": ("INTERNAL", lambda row: _truth(row.data["Internal"])),
    "Labels": ("LABELS", lambda row: lists.labels(row.data.get("Labels"))),
    "Name": ("NAME", lambda row: row.data["Name"]),
    "Scope": ("SCOPE", lambda row: row.data["Scope"]),
}
NetworkRow.methods = {"Label": NetworkRow.label}


def run(session: "Session", flags: "Values", _arguments: list[str]) -> int:
    """List networks."""
    lists.warn_about_format(session, flags)
    networks = session.client.get("/networks", filters=lists.filters(flags["filter"]))
    networks.sort(key=lambda network: network["Name"])
    rows = [NetworkRow(network, trunc=not flags["no-trunc"]) for network in networks]
    if flags["quiet"]:
        session.out("".join(f"{row.id()}\n" for row in rows))
        return 0
    wanted = chosen(flags["format"], session.config.text("networksFormat"))
    session.out(Format(TABLE if wanted == "table" else wanted).render(rows, NetworkRow))
    return 0


COMMAND = Command(
    "[OPTIONS]",
    "List networks",
    run,
    flags=(FILTER, FORMAT_LIST, NO_TRUNC, Flag("quiet", kinds.BOOL, "Only print the ids", "q")),
    limits=(0, 0),
    aliases=("network ls", "network list"),
)
