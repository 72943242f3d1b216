"""--cap-add and --cap-drop."""

import pytest

from boxship.daemon.capabilities import DEFAULT, KNOWN, normalized, supported, tweaked
from boxship.model.errors import Invalid

ALL = list(KNOWN)


def tweak(add: list[str], drop: list[str], *, privileged: bool = False) -> list[str]:
    return tweaked(
        normalized(add, "CapAdd"), normalized(drop, "CapDrop"), privileged=privileged, supported=ALL
    )


def test_docker_gives_fourteen() -> None:
    assert tweak([], []) == list(DEFAULT)
    assert len(DEFAULT) == 14


def test_one_more_and_one_less() -> None:
    expected = [c for c in DEFAULT if c != "CAP_MKNOD"] + ["CAP_NET_ADMIN"]
    assert tweak(["net_admin"], ["MKNOD"]) == expected


def test_all() -> None:
    assert tweak([], ["ALL"]) == []
    assert tweak(["CHOWN"], ["all"]) == ["CAP_CHOWN"]
    assert tweak(["ALL"], ["CAP_SYS_ADMIN"]) == [c for c in ALL if c != "CAP_SYS_ADMIN"]
    assert tweak([], [], privileged=True) == ALL


def test_an_unknown_one_is_refused_in_dockers_words() -> None:
    with pytest.raises(Invalid, match='invalid CapAdd: unknown capability: "CAP_FOO"'):
        normalized(["foo"], "CapAdd")


def test_supported_are_those_that_exist_and_may_be_passed_on() -> None:
    assert supported(2, 0b101) == ["CAP_CHOWN", "CAP_DAC_READ_SEARCH"]
