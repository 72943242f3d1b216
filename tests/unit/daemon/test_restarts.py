"""Restart policies, with states and times passed in."""

import pytest

from boxship.daemon.container import State
from boxship.daemon.restarts import (
    Policy,
    check,
    next_delay,
    policy,
    wanted_after_exit,
    wanted_at_boot,
)
from boxship.model.errors import Invalid


@pytest.mark.parametrize(
    ("name", "code", "by_hand", "again"),
    [
        ("no", 1, False, False),
        ("always", 0, False, True),
        ("always", 1, True, False),
        ("unless-stopped", 0, False, True),
        ("unless-stopped", 0, True, False),
        ("on-failure", 0, False, False),
        ("on-failure", 3, False, True),
        ("on-failure", 3, True, False),
    ],
)
def test_after_an_exit(name: str, code: int, by_hand: bool, again: bool) -> None:
    state = State(exit_code=code, stopped_by_hand=by_hand)
    assert wanted_after_exit(Policy(name), state) is again


def test_on_failure_gives_up_after_its_maximum() -> None:
    assert wanted_after_exit(Policy("on-failure", 3), State(exit_code=1, restart_count=2))
    assert not wanted_after_exit(Policy("on-failure", 3), State(exit_code=1, restart_count=3))


def test_when_the_daemon_starts_only_always_forgets_a_stop_by_hand() -> None:
    stopped = State(started_before=True, stopped_by_hand=True)
    assert wanted_at_boot(Policy("always"), stopped)
    assert not wanted_at_boot(Policy("unless-stopped"), stopped)
    assert not wanted_at_boot(Policy("always"), State())


def test_the_delay_doubles_up_to_a_minute_and_begins_anew_after_ten_good_seconds() -> None:
    delays, delay = [], 0.0
    for _ in range(12):
        delay = next_delay(delay, ran_s=1)
        delays.append(delay)
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == 60.0
    assert next_delay(60.0, ran_s=10) == 0.1


def test_an_unknown_policy_is_refused_in_dockers_words() -> None:
    with pytest.raises(Invalid, match="invalid restart policy: unknown policy 'foo'; use one of"):
        check(policy({"RestartPolicy": {"Name": "foo"}}))
    with pytest.raises(Invalid, match="maximum retry count can only be used with 'on-failure'"):
        check(Policy("always", 3))
