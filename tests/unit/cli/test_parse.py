"""Flags are read by the rules of pflag, with its words for what is wrong."""

import pytest

from boxship.cli import kinds
from boxship.cli.command import Flag
from boxship.cli.failure import UsageFailure
from boxship.cli.parse import HelpAsked, Parser

FLAGS = (
    Flag("interactive", kinds.BOOL, "x", "i"),
    Flag("tty", kinds.BOOL, "x", "t"),
    Flag("proxy", kinds.BOOL, "x", default=True),
    Flag("publish", kinds.LIST, "x", "p"),
    Flag("name", kinds.STRING, "x"),
    Flag("memory", kinds.BYTES, "x", "m"),
)


def parsed(*words: str, interspersed: bool = True) -> tuple[dict[str, object], list[str]]:
    values, arguments = Parser(FLAGS, interspersed=interspersed).parse(list(words))
    return {name: values[name] for name in values.changed}, arguments


def test_short_flags_stand_together() -> None:
    assert parsed("-itp80:80", "x") == (
        {"interactive": True, "tty": True, "publish": ["80:80"]},
        ["x"],
    )


def test_a_value_follows_in_every_way() -> None:
    given, _ = parsed("-p", "1", "-p2", "-p=3", "--publish", "4", "--publish=5")
    assert given == {"publish": ["1", "2", "3", "4", "5"]}


def test_flags_may_follow_arguments() -> None:
    assert parsed("web", "-t") == ({"tty": True}, ["web"])


def test_flags_after_the_image_are_the_programs() -> None:
    assert parsed("-i", "image", "-t", interspersed=False) == (
        {"interactive": True},
        ["image", "-t"],
    )


def test_two_dashes_end_the_flags() -> None:
    assert parsed("--", "-t") == ({}, ["-t"])


def test_a_bool_can_be_switched_off() -> None:
    assert parsed("--proxy=false", "-t=0") == ({"proxy": False, "tty": False}, [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--foo"], "unknown flag: --foo"),
        (["-iZ"], "unknown shorthand flag: 'Z' in -Z"),
        (["--name"], "flag needs an argument: --name"),
        (["-p"], "flag needs an argument: 'p' in -p"),
        (["---x"], "bad flag syntax: ---x"),
        (["-m", "x"], 'invalid argument "x" for "-m, --memory" flag: invalid size: \'x\''),
        (
            ["--tty=maybe"],
            'invalid argument "maybe" for "-t, --tty" flag: '
            'strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
    ],
)
def test_what_is_wrong_is_said_as_docker_says_it(words: list[str], message: str) -> None:
    with pytest.raises(UsageFailure) as failure:
        parsed(*words)
    assert failure.value.message == message
    assert failure.value.code == 125


def test_help_is_asked_for() -> None:
    for word in ("--help", "-h", "-ih"):
        with pytest.raises(HelpAsked):
            parsed(word)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("64m", 64 << 20), ("1.5g", 3 << 29), ("5 KB", 5120), ("7", 7), ("2kib", 2048)],
)
def test_sizes(text: str, bytes_: int) -> None:
    assert kinds.size(text) == bytes_


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("3s", 3 * 10**9), ("1m30s", 90 * 10**9), ("1.5h", 5400 * 10**9), ("-1s", -(10**9)), ("0", 0)],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert kinds.duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "x", "1x", "1..5s", "."])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="time: "):
        kinds.duration(text)
