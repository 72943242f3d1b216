"""Detach keys, byte by byte."""

import pytest

from boxship.daemon.detach import DEFAULT, Scanner, parsed
from boxship.model.errors import Invalid


def test_the_sequence_detaches_and_what_came_before_is_passed_on() -> None:
    assert Scanner(DEFAULT).feed(b"ls\n\x10\x11rest") == (b"ls\n", True)


def test_a_begun_sequence_is_held_back_and_given_when_it_goes_on_otherwise() -> None:
    scanner = Scanner(DEFAULT)
    assert scanner.feed(b"a\x10") == (b"a", False)
    assert scanner.feed(b"b") == (b"\x10b", False)
    assert scanner.feed(b"\x10") == (b"", False)
    assert scanner.feed(b"\x10") == (b"\x10", False)
    assert scanner.feed(b"\x11") == (b"", True)


def test_keys_are_written_as_docker_writes_them() -> None:
    assert parsed(None) == b"\x10\x11"
    assert parsed("ctrl-a,x,ctrl-[") == b"\x01x\x1b"
    with pytest.raises(Invalid, match="Invalid detach keys"):
        parsed("ctrl-,x")
