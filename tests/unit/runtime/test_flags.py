import pytest

from boxship.model.errors import Invalid
from boxship.runtime.commands import signal_number
from boxship.runtime.flags import BOOL, LIST, VALUE, parse

KNOWN = {"bundle": VALUE, "env": LIST, "detach": BOOL, "memory": VALUE}
SHORT = {"b": "bundle", "e": "env", "d": "detach"}


def test_flags_before_arguments() -> None:
    words = ["--bundle", "/b", "-e", "A=1", "--env=B=2", "-d", "id", "-d", "--x"]
    arguments = parse(words, KNOWN, SHORT)
    assert arguments.value("bundle") == "/b"
    assert arguments.values("env") == ["A=1", "B=2"]
    assert arguments.has("detach")
    assert arguments.rest == ["id", "-d", "--x"]


def test_one_dash_is_as_good_as_two_and_two_alone_end_the_flags() -> None:
    arguments = parse(["-bundle=/b", "--", "-d"], KNOWN, SHORT)
    assert (arguments.value("bundle"), arguments.rest) == ("/b", ["-d"])


def test_a_boolean_may_be_said_to_be_false() -> None:
    assert not parse(["--detach=false"], KNOWN).has("detach")


@pytest.mark.parametrize("words", [["--nonsense"], ["-x"], ["--bundle"]])
def test_what_is_wrong_is_named(words: list[str]) -> None:
    with pytest.raises(Invalid, match=words[0]):
        parse(words, KNOWN, SHORT)


def test_numbers() -> None:
    assert parse(["--memory", "-1"], KNOWN).number("memory") == -1
    assert parse([], KNOWN).number("memory") is None
    with pytest.raises(Invalid, match="--memory: not a number"):
        parse(["--memory", "1g"], KNOWN).number("memory")


@pytest.mark.parametrize(
    ("word", "number"),
    [("9", 9), ("KILL", 9), ("SIGKILL", 9), ("sigterm", 15), ("RTMIN+3", 37), ("SIGRTMAX", 64)],
)
def test_signals(word: str, number: int) -> None:
    assert signal_number(word) == number


@pytest.mark.parametrize("word", ["0", "65", "NOSUCH", "", "-1"])
def test_no_signals(word: str) -> None:
    with pytest.raises(Invalid, match="unknown signal"):
        signal_number(word)
