"""The moves of a container: the table, and what is said of a move that is not in it."""

import pytest

from boxship.model.container import MOVES, STATES, moved
from boxship.model.errors import Conflict


def test_a_container_lives_and_dies() -> None:
    state = "created"
    for move in ("start", "pause", "unpause", "exit", "start", "exit to restart", "start", "exit"):
        state = moved(state, move)
    assert moved(state, "remove") == "removing"


def test_every_state_is_known() -> None:
    assert {state for state, _ in MOVES} | set(MOVES.values()) == set(STATES)


def test_an_unknown_move_names_state_and_move() -> None:
    with pytest.raises(Conflict, match="a container that is paused cannot pause"):
        moved("paused", "pause")
