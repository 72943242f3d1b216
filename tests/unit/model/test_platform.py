"""Platforms: spellings, and the choice among what an index offers."""

import pytest

from boxship.model.errors import Invalid
from boxship.model.platform import Platform


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AARCH64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("windows/amd64", "windows/amd64"),
        ("arm64", "linux/arm64"),
        ("linux", str(Platform.host())),
    ],
)
def test_a_platform_is_normalized(typed: str, normal: str) -> None:
    assert str(Platform.parse(typed)) == normal


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("linux/foo/bar/baz", '"linux/foo/bar/baz": cannot parse platform specifier'),
        ("foo", '"foo": unknown operating system or architecture: invalid argument'),
        ("lin ux/amd64", '"lin ux" is an invalid OS component of "lin ux/amd64"'),
        ("linux/", '"" is an invalid architecture component'),
    ],
)
def test_a_refusal_has_the_words_of_docker(typed: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        Platform.parse(typed)


def test_the_nearest_platform_is_chosen() -> None:
    offered = [Platform.parse(p) for p in ("linux/386", "linux/arm/v6", "linux/amd64")]
    assert Platform.parse("linux/amd64").choose(offered) == 2
    assert Platform.parse("linux/arm/v7").choose(offered) == 1
    assert Platform.parse("linux/amd64").choose(offered[:1]) == 0
    assert Platform.parse("linux/s390x").choose(offered) is None
    assert Platform.parse("windows/amd64").choose(offered) is None
