"""Who waits for a container: `docker wait`, `stop`, `restart`, and `rm -f`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.container import State

NOT_RUNNING = "not-running"
NEXT_EXIT = "next-exit"
REMOVED = "removed"
CONDITIONS = (NOT_RUNNING, NEXT_EXIT, REMOVED)

Outcome = tuple[int, str | None]


class Waits:
    """Futures of one container, by condition; each answers (exit code, error or None)."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._exits: set[asyncio.Future[Outcome]] = set()
        self._removals: set[asyncio.Future[Outcome]] = set()
        self._gone = False  # whoever still has the container in hand waits for nothing

    def begin(self, state: State, condition: str) -> asyncio.Future[Outcome]:
        """A future that is registered at once; await it, or cancel it and it is forgotten."""
        condition = condition or NOT_RUNNING
        if condition not in CONDITIONS:
            raise Invalid(f'invalid condition: "{condition}"')
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self._gone or (condition == NOT_RUNNING and not state.running):
            future.set_result(outcome(state))
            return future
        waiting = self._removals if condition == REMOVED else self._exits
        waiting.add(future)
        future.add_done_callback(waiting.discard)
        return future

    def exited(self, state: State) -> None:
        """The program ended and will not be restarted by itself now."""
        _answer(self._exits, (state.exit_code, None))

    def removed(self, state: State) -> None:
        """The container is gone; every other waiter learns it as well."""
        self._gone = True
        _answer(self._exits, (state.exit_code, None))
        _answer(self._removals, (state.exit_code, None))


def outcome(state: State) -> Outcome:
    """What a waiter hears of a container in this state."""
    return state.exit_code, state.error or None


def _answer(waiting: set[Any], result: Outcome) -> None:
    for future in list(waiting):
        if not future.done():
            future.set_result(result)
