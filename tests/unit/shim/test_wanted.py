"""What the stdio fields of the Task API mean."""

import pytest

from boxship.model.errors import Invalid, Unsupported
from boxship.shim.wanted import Wanted, unquote


def test_nothing_is_dev_null() -> None:
    wanted = Wanted("", "", "", terminal=False)
    assert (wanted.own, wanted.stdin_open, wanted.pipes) == (False, False, {1: "", 2: ""})


def test_plain_paths_are_fifos() -> None:
    wanted = Wanted("/i", "/o", "/e", terminal=False)
    assert (wanted.stdin_open, wanted.pipes) == (True, {1: "/o", 2: "/e"})
    assert Wanted("/i", "/o", "/e", terminal=True).pipes == {1: "/o", 2: ""}


def test_a_file_is_a_path_in_an_address() -> None:
    assert Wanted("", "file:///var/a%20b", "", terminal=False).pipes[1] == "/var/a b"


def test_ours_has_log_limits_and_socket() -> None:
    query = "driver=json-file&max-size=1000&max-file=3&attach=%2Frun%2Fa.sock&stdin=1"
    wanted = Wanted("", f"boxship-io:///var/x%3Fy.log?{query}", "", terminal=False)
    assert wanted.log is not None
    assert (wanted.log.path, wanted.log.max_size, wanted.log.max_file) == ("/var/x?y.log", 1000, 3)
    assert (wanted.attach, wanted.stdin_open) == ("/run/a.sock", True)


@pytest.mark.parametrize("text", ["boxship-io:///log?driver=none", "boxship-io://?attach=/a"])
def test_a_log_can_be_left_out(text: str) -> None:
    wanted = Wanted("", text, "", terminal=False)
    assert wanted.log is None
    assert not wanted.stdin_open


def test_what_it_does_not_know_it_refuses() -> None:
    with pytest.raises(Unsupported, match="binary:///logger"):
        Wanted("", "binary:///logger", "", terminal=False)
    with pytest.raises(Unsupported, match="syslog"):
        Wanted("", "boxship-io:///log?driver=syslog", "", terminal=False)
    with pytest.raises(Invalid, match="not a number"):
        Wanted("", "boxship-io:///log?max-size=10m", "", terminal=False)


def test_percents_that_are_none_stay() -> None:
    assert unquote("100%25 %zz %C3%A9") == "100% %zz é"
