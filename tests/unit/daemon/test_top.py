"""top: the rows of ps that are the container's."""

import pytest

from boxship.daemon.top import table
from boxship.model.errors import System


def test_the_last_column_may_have_spaces() -> None:
    found = table("  PID COMMAND\n    7 sleep 100\n    8 sleep 200\n", {7})
    assert found == {"Titles": ["PID", "COMMAND"], "Processes": [["7", "sleep 100"]]}


def test_spaces_before_the_pid_are_refused_in_dockers_words() -> None:
    with pytest.raises(System, match="Unexpected pid '100 7'"):
        table("COMMAND PID\nsleep 100 7\n", {7})
