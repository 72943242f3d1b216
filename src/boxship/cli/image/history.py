"""`boxship history`."""

import time

from boxship.cli import kinds, lists, text
from boxship.cli.command import FORMAT_LIST, NO_TRUNC, Command, Flag
from boxship.cli.rows import Format, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session

HUMAN = "table {{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}"
EXACT = "table {{.ID}}\\t{{.CreatedAt}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}"
SHORT_COMMAND = 45


class HistoryRow(Row):
    """One layer."""

    __slots__ = ("human", "now", "trunc")
    go_type = "formatter.historyContext"

    def __init__(self, data: "Json", *, now: float, trunc: bool, human: bool) -> None:
        """`human`: sizes and dates as people read them."""
        super().__init__(data)
        self.now = now
        self.trunc = trunc
        self.human = human

    def id(self) -> str:
        """The id; <missing> for a layer that came with the image."""
        return text.short_id(self.data["Id"]) if self.trunc else str(self.data["Id"])

    def created_at(self) -> str:
        """The time."""
        created = self.data["Created"]
        return "" if created <= 0 else text.rfc3339(created)

    def created_since(self) -> str:
        """The age; the time where exact values are asked for."""
        return text.ago(self.data["Created"], self.now) if self.human else self.created_at()

    def created_by(self) -> str:
        """The command, on one line."""
        command = str(self.data["CreatedBy"]).replace("\t", " ")
        return text.ellipsis(command, SHORT_COMMAND) if self.trunc else command

    def size(self) -> str:
        """The size."""
        return text.size(self.data["Size"]) if self.human else str(self.data["Size"])


HistoryRow.columns = {
    "Comment": ("COMMENT", lambda row: row.data["Comment"]),
    "CreatedAt": ("CREATED AT", HistoryRow.created_at),
    "CreatedBy": ("CREATED BY", HistoryRow.created_by),
    "CreatedSince": ("CREATED", HistoryRow.created_since),
    "ID": ("IMAGE", HistoryRow.id),
    "Size": ("SIZE", HistoryRow.size),
}


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """Show the layers of an image."""
    layers = session.client.get(
        f"/images/{arguments[0]}/history", platform=lists.platform(flags["platform"])
    )
    now = time.time()
    human, trunc = flags["human"], not flags["no-trunc"]
    rows = [HistoryRow(layer, now=now, trunc=trunc, human=human) for layer in layers]
    if flags["quiet"]:
        lists.warn_about_format(session, flags)
        session.out("".join(f"{row.id()}\n" for row in rows))
        return 0
    wanted = flags["format"] or "table"
    if wanted == "table":
        wanted = HUMAN if human else EXACT
    session.out(Format(wanted).render(rows, HistoryRow))
    return 0


COMMAND = Command(
    "[OPTIONS] IMAGE",
    "Show the layers of an image and what made them",
    run,
    flags=(
        FORMAT_LIST,
        Flag("human", kinds.BOOL, "Sizes and dates as people read them", "H", default=True),
        NO_TRUNC,
        Flag("platform", kinds.STRING, "Platform of the image, os[/arch[/variant]]"),
        Flag("quiet", kinds.BOOL, "Only print the ids", "q"),
    ),
    limits=(1, 1),
    aliases=("image history", "history"),
)
