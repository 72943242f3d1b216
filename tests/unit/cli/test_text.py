"""Ages, sizes and tables as docker prints them."""

import pytest

from boxship.cli import text
from boxship.cli.container.ports import displayed
from boxship.cli.rows import Format, Row
from boxship.cli.table import aligned

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (2 * MINUTE, "2 minutes"),
        (59 * MINUTE, "59 minutes"),
        (HOUR, "About an hour"),
        (2 * HOUR, "2 hours"),
        (47 * HOUR, "47 hours"),
        (3 * DAY, "3 days"),
        (14 * DAY, "2 weeks"),
        (60 * DAY, "2 months"),
        (730 * DAY, "2 years"),
    ],
)
def test_ages(seconds: float, words: str) -> None:
    assert text.age(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0B"), (374, "374B"), (1000, "1kB"), (24_600_000, "24.6MB"), (1_982_467, "1.98MB")],
)
def test_sizes(size: int, words: str) -> None:
    assert text.size(size) == words


def test_binary_sizes() -> None:
    assert text.binary_size(25277419520) == "23.54GiB"


def test_a_time_is_read_with_its_zone() -> None:
    assert text.seconds_of("1970-01-01T01:00:00.5+01:00") == 0.5
    assert text.seconds_of("not a time") == 0.0


def test_columns_are_ten_wide_and_three_apart() -> None:
    assert aligned("A\tB\nlonger than ten\tx\n") == "A                 B\nlonger than ten   x\n"
    assert aligned("A\tB\n") == "A         B\n"


def test_a_line_without_the_cell_ends_the_column() -> None:
    assert aligned("aaaaaaaaaaaa\tb\nalone\nc\td\n") == "aaaaaaaaaaaa   b\nalone\nc         d\n"


class Thing(Row):
    __slots__ = ()


Thing.columns = {
    "ID": ("THING ID", lambda row: row.data["id"]),
    "Name": ("NAME", lambda row: row.data["name"]),
}
THINGS = [Thing({"id": "1", "name": "<a>"}), Thing({"id": "2", "name": "b"})]


def test_a_list_can_be_a_table() -> None:
    out = Format("table {{.ID}}\\t{{upper .Name}}").render(THINGS, Thing)
    assert out == "THING ID   NAME\n1          <A>\n2          B\n"


def test_a_list_without_rows_has_its_header() -> None:
    assert Format("table {{.ID}}").render([], Thing) == "THING ID\n"


def test_a_list_can_be_json() -> None:
    out = Format("json").render(THINGS, Thing)
    assert out == '{"ID":"1","Name":"\\u003ca\\u003e"}\n{"ID":"2","Name":"b"}\n'


def port(inside: int, outside: int = 0, address: str = "", kind: str = "tcp") -> dict[str, object]:
    found: dict[str, object] = {"PrivatePort": inside, "Type": kind}
    if address:
        found.update(IP=address, PublicPort=outside)
    return found


def test_ports_in_a_row_become_a_range() -> None:
    assert displayed([port(82), port(80), port(81), port(90)]) == "80-82/tcp, 90/tcp"


def test_published_ports_say_where() -> None:
    ports = [port(80, 5000, "0.0.0.0"), port(80, 5000, "::"), port(53, 53, "127.0.0.1", "udp")]
    assert displayed(ports) == "127.0.0.1:53->53/udp, 0.0.0.0:5000->80/tcp, [::]:5000->80/tcp"
