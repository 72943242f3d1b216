"""Times and spans as Docker writes them."""

from __future__ import annotations

import pytest

from boxship.daemon.container import State
from boxship.daemon.views.moments import parse, span, stamp
from boxship.daemon.views.states import sentence

S = 1_000_000_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_spans(seconds: int, words: str) -> None:
    assert span(seconds * S) == words


def test_stamps_have_as_many_digits_as_they_need() -> None:
    assert stamp(0) == "0001-01-01T00:00:00Z"
    assert stamp(1_700_000_000 * S) == "2023-11-14T22:13:20Z"
    assert stamp(1_700_000_000 * S + 66_089_560) == "2023-11-14T22:13:20.06608956Z"


def test_times_of_a_query() -> None:
    assert parse("1136073600") == 1_136_073_600 * S
    assert parse("1136073600.5") == 1_136_073_600 * S + S // 2
    assert parse("1136073600.000000001") == 1_136_073_600 * S + 1
    with pytest.raises(ValueError, match=r'strconv\.ParseInt: parsing "x": invalid syntax'):
        parse("x")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State(), "Created"),
        (State(status="running", started_at_ns=40 * S), "Up About a minute"),
        (State(status="paused", started_at_ns=40 * S), "Up About a minute (Paused)"),
        (
            State(status="exited", started_at_ns=S, finished_at_ns=95 * S, exit_code=7),
            "Exited (7) 5 seconds ago",
        ),
        (
            State(status="restarting", started_at_ns=S, finished_at_ns=98 * S, exit_code=1),
            "Restarting (1) 2 seconds ago",
        ),
        (State(status="removing"), "Removal In Progress"),
        (State(status="dead"), "Dead"),
    ],
)
def test_the_sentence_of_ps(state: State, words: str) -> None:
    assert sentence(state, 100 * S) == words
