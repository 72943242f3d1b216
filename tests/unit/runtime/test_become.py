"""Which init makes its container itself, and what its words mean."""

import json
from typing import Any

import pytest

from boxship.kernel import namespaces as kn
from boxship.model.errors import Invalid, System
from boxship.runtime import become
from boxship.runtime.handshake import CLAIMED, READY, to_json

USUAL = [{"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/run/netns/a"}]


def _config(*namespaces: dict[str, Any], **more: object) -> bytes:
    document = {"linux": {"namespaces": list(namespaces)}, **more}
    return json.dumps(document, separators=(",", ":")).encode()


def test_the_usual_container_needs_no_creator() -> None:
    flags = become.flags_of(_config(*USUAL, {"type": "uts"}, {"type": "cgroup"}))
    assert flags == kn.CLONE_NEWNS | kn.CLONE_NEWPID | kn.CLONE_NEWUTS


@pytest.mark.parametrize(
    "config",
    [
        _config({"type": "mount"}),
        _config({"type": "mount"}, {"type": "pid", "path": "/proc/1/ns/pid"}),
        _config(*USUAL, {"type": "user"}),
        _config(*USUAL, {"type": "time"}),
        _config(*USUAL, hooks={"prestart": [{"path": "/bin/true"}]}),
        _config({"type": "mount"}, {"type": "user", "path": "/proc/1/ns/user"}, {"type": "pid"}),
        _config(*USUAL).replace(b'"pid"}', b'"pid"'),
        b"{}",
        b"",
    ],
)
def test_others_are_made_by_a_creator(config: bytes) -> None:
    assert become.flags_of(config) == 0


def test_a_text_that_looks_like_namespaces_is_none() -> None:
    text = '"namespaces":[{"type":"pid"},{"type":"mount"}]'
    assert become.flags_of(_config({"type": "mount"}, aaa=text)) == 0


def test_ready_is_the_last_word() -> None:
    assert become.is_last(CLAIMED + READY)
    assert not become.is_last(CLAIMED)
    become.check(CLAIMED + READY)


def test_an_error_is_raised_as_what_it_is_and_says_whether_to_take_back() -> None:
    early = to_json(Invalid("no such thing")) + b"\n"
    with pytest.raises(Invalid, match="no such thing"):
        become.check(early)
    assert not become.claimed(early)
    assert become.claimed(CLAIMED + early)
    with pytest.raises(Invalid):
        become.check(CLAIMED + early)


def test_silence_is_a_death() -> None:
    with pytest.raises(System, match="killed before it was ready"):
        become.check(CLAIMED)
