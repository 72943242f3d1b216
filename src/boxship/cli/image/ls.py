"""`boxship images`."""

import time

from boxship.cli import kinds, lists, text
from boxship.cli.command import FILTER, FORMAT_LIST, NO_TRUNC, Command, Flag
from boxship.cli.failure import Failure
from boxship.cli.rows import Format, Row, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxship.api.docker.http import Json
    from boxship.cli.command import Values
    from boxship.cli.session import Session

NONE = "<none>"
TABLE = "table {{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}"
DIGESTS = "table {{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}"


class ImageRow(Row):
    """One name of an image."""

    __slots__ = ("digest", "now", "repository", "tag", "trunc")
    go_type = "formatter.imageContext"

    def __init__(
        self, data: "Json", name: tuple[str, str, str], *, now: float, trunc: bool
    ) -> None:
        """`name` is repository, tag and digest."""
        super().__init__(data)
        self.repository, self.tag, self.digest = name
        self.now = now
        self.trunc = trunc

    def id(self) -> str:
        """The id."""
        return text.short_id(self.data["Id"]) if self.trunc else str(self.data["Id"])


def _count(number: int) -> str:
    return "N/A" if number < 0 else str(number)


def _size_or_na(number: int) -> str:
    return "N/A" if number < 0 else text.size(number)


ImageRow.columns = {
    "Containers": ("CONTAINERS", lambda row: _count(row.data.get("Containers", -1))),
    "CreatedAt": ("CREATED AT", lambda row: text.go_time(row.data["Created"])),
    "CreatedSince": ("CREATED", lambda row: text.ago(row.data["Created"], row.now)),
    "Digest": ("DIGEST", lambda row: row.digest),
    "ID": ("IMAGE ID", ImageRow.id),
    "Repository": ("REPOSITORY", lambda row: row.repository),
    "SharedSize": ("SHARED SIZE", lambda row: _size_or_na(row.data.get("SharedSize", -1))),
    "Size": ("SIZE", lambda row: text.size(row.data["Size"])),
    "Tag": ("TAG", lambda row: row.tag),
    "UniqueSize": ("UNIQUE SIZE", lambda row: _unique(row.data)),
    "VirtualSize": ("SIZE", lambda row: text.size(row.data["Size"], 4)),
}


def _unique(data: "Json") -> str:
    shared = data.get("SharedSize", -1)
    return "N/A" if shared < 0 or data["Size"] < 0 else text.size(data["Size"] - shared)


def rows_of(image: "Json", *, digests: bool, now: float, trunc: bool) -> "Iterator[ImageRow]":
    """A row per name; an image without one has one row."""
    for name in _names(image, digests=digests):
        yield ImageRow(image, name, now=now, trunc=trunc)


def _names(image: "Json", *, digests: bool) -> "Iterator[tuple[str, str, str]]":
    tags = _by_repository(image.get("RepoTags"), ":")
    by_digest = _by_repository(image.get("RepoDigests"), "@")
    if not tags and not by_digest:
        yield NONE, NONE, NONE
    for repository, names in tags.items():
        found = by_digest.pop(repository, [])
        if not digests:
            yield from ((repository, tag, NONE) for tag in names)
            continue
        for tag in names:
            yield from ((repository, tag, digest) for digest in found or [NONE])
    for repository, found in by_digest.items():
        yield from ((repository, NONE, digest if digests else NONE) for digest in found)


def _by_repository(references: "Json", separator: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reference in references or ():
        if reference != f"{NONE}{separator}{NONE}":
            repository, _, name = reference.rpartition(separator)
            found.setdefault(repository, []).append(name)
    return found


def run(session: "Session", flags: "Values", arguments: list[str]) -> int:
    """List images."""
    if flags["tree"]:
        raise Failure("--tree is not supported by this client: images are listed without it")
    terms = list(flags["filter"])
    if arguments:
        terms.append(("reference", arguments[0]))
    lists.warn_about_format(session, flags)
    images = session.client.get("/images/json", all=flags["all"], filters=lists.filters(terms))
    wanted = chosen(flags["format"], session.config.text("imagesFormat"), quiet=flags["quiet"])
    digests = flags["digests"] or ".Digest" in wanted
    now = time.time()
    rows = [
        row
        for image in images
        for row in rows_of(image, digests=digests, now=now, trunc=not flags["no-trunc"])
    ]
    if flags["quiet"]:
        session.out("".join(f"{row.id()}\n" for row in rows))
        return 0
    if wanted == "table":
        wanted = DIGESTS if flags["digests"] else TABLE
    session.out(Format(wanted).render(rows, ImageRow))
    return 0


COMMAND = Command(
    "[OPTIONS] [REPOSITORY[:TAG]]",
    "List images",
    run,
    flags=(
        Flag("all", kinds.BOOL, "Show also images in between", "a"),
        Flag("digests", kinds.BOOL, "Show digests"),
        FILTER,
        FORMAT_LIST,
        NO_TRUNC,
        Flag("quiet", kinds.BOOL, "Only print the ids", "q"),
        Flag("tree", kinds.BOOL, "Show the platforms of images as a tree (not supported)"),
    ),
    limits=(0, 1),
    aliases=("image ls", "image list", "images"),
)
