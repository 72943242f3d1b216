"""Restart policies: whether an ended container starts again, and after how long.  Pure.

The delay begins at 0.1 s, doubles up to a minute, and begins anew after ten good seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.container import State

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 60.0
GOOD_RUN_S = 10.0
POLICIES = ("no", "always", "on-failure", "unless-stopped")


@dataclass(frozen=True, slots=True)
class Policy:
    """`--restart NAME[:MAXIMUM]`."""

    name: str = "no"
    maximum: int = 0


def policy(host_config: dict[str, Any]) -> Policy:
    """The policy that a HostConfig names."""
    asked = host_config.get("RestartPolicy") or {}
    return Policy(asked.get("Name") or "no", asked.get("MaximumRetryCount") or 0)


def check(wanted: Policy) -> None:
    """Invalid, in Docker's words, when there is no such policy."""
    if wanted.name not in POLICIES:
        raise Invalid(
            f"invalid restart policy: unknown policy '{wanted.name}'; "
            "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        )
    if wanted.maximum < 0:
        raise Invalid("invalid restart policy: maximum retry count cannot be negative")
    if wanted.maximum and wanted.name != "on-failure":
        raise Invalid(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'"
        )


def wanted_after_exit(wanted: Policy, state: State) -> bool:
    """Whether a container that just ended is to be started again."""
    if state.stopped_by_hand or wanted.name == "no":
        return False
    if wanted.name == "on-failure":
        within = wanted.maximum == 0 or state.restart_count < wanted.maximum
        return state.exit_code != 0 and within
    return True


def wanted_at_boot(wanted: Policy, state: State) -> bool:
    """Whether a container that does not run is to be started when the daemon starts."""
    if not state.started_before:
        return False
    if wanted.name == "always":
        return True
    return wanted_after_exit(wanted, state)


def next_delay(last_s: float, ran_s: float) -> float:
    """How long to wait, after a delay of `last_s` (0: none yet) and a run of `ran_s`."""
    if last_s == 0 or ran_s >= GOOD_RUN_S:
        return FIRST_DELAY_S
    return min(last_s * 2, LONGEST_DELAY_S)
