"""Names and numbers of signals."""

import pytest

from boxship.daemon.signals import number
from boxship.model.errors import Invalid


@pytest.mark.parametrize(
    ("text", "value"),
    [("KILL", 9), ("sigterm", 15), ("2", 2), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("CLD", 17)],
)
def test_signals(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["FOO", "0", "65", "-1", "", "RTMIN+x"])
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"invalid signal: |does not support signal "):
        number(text)
