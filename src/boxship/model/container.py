"""The states of a container and the moves between them: one table, no I/O.

created ──start──▶ running ──exit──▶ exited ──remove──▶ removing ──▶ gone
                    │   ▲   ╲                              │
                 pause unpause ╲ exit, to be restarted     └─fail──▶ dead
                    ▼   │        ▼
                   paused     restarting ──start──▶ running
"""

from boxship.model.errors import Conflict

CREATED = "created"
RUNNING = "running"
PAUSED = "paused"
RESTARTING = "restarting"
REMOVING = "removing"
EXITED = "exited"
DEAD = "dead"

STATES = (CREATED, RUNNING, PAUSED, RESTARTING, REMOVING, EXITED, DEAD)

MOVES = {
    (CREATED, "start"): RUNNING,
    (EXITED, "start"): RUNNING,
    (RESTARTING, "start"): RUNNING,
    (RUNNING, "pause"): PAUSED,
    (PAUSED, "unpause"): RUNNING,
    (RUNNING, "exit"): EXITED,
    (PAUSED, "exit"): EXITED,
    (RUNNING, "exit to restart"): RESTARTING,
    (PAUSED, "exit to restart"): RESTARTING,
    (RESTARTING, "give up"): EXITED,
    (CREATED, "remove"): REMOVING,
    (EXITED, "remove"): REMOVING,
    (RESTARTING, "remove"): REMOVING,
    (DEAD, "remove"): REMOVING,
    (REMOVING, "remove"): REMOVING,
    (REMOVING, "fail"): DEAD,
}


def moved(state: str, move: str) -> str:
    """The state after `move`; an unknown move is a Conflict that names both."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise Conflict(f"a container that is {state} cannot {move}") from None
