"""`create` without a creator: a child of the caller, born in its namespaces, does it all itself.

caller                           init
clone ───────────────────────▶   born in its namespaces, in nobody's mounts but the host's
          ◀── CLAIMED ─────────  state.json's directory is its own: to be taken back on an error
                                 state.json, control group, limits, its plan
          ◀── READY ───────────  waits at exec.fifo
          ◀── {error} ─────────  at any time instead, and it is gone
          ◀── end of file ─────  killed

A process fewer is forked than by create.py.  It is for containers whose init needs nobody to
write its id maps, to run hooks for it or to join a pid or time namespace before its birth:
Docker's usual ones.
"""

import os

from boxship.kernel import namespaces as kn
from boxship.model.errors import Conflict, System
from boxship.runtime import spec
from boxship.runtime.create import Creation, Options
from boxship.runtime.handshake import CLAIMED, READY, Channel, from_json

# What only a creator can do for an init.
_NEEDS_CREATOR = (b'"hooks"', b'"listenerPath"', b'"type":"user"', b'"type":"time"')
_LIST = b'"namespaces":['
_NEW = [(b'{"type":"%s"}' % kind.encode(), flag) for kind, flag in kn.FLAGS.items()]


def flags_of(config: bytes) -> int:
    """The flags for clone(2), or 0 where the container needs a creator (or is malformed).

    A look at the bytes: parsing would cost the caller more memory than all else.  In a string
    the quotes would have a backslash each.  `become` checks what is found.
    """
    begin = config.find(_LIST)
    entries = config[begin : config.find(b"]", begin)]
    if begin < 0 or any(word in config for word in _NEEDS_CREATOR):
        return 0
    found = sum(flag for entry, flag in _NEW if entry in entries)
    first = kn.CLONE_NEWPID | kn.CLONE_NEWNS
    return found & ~kn.CLONE_NEWCGROUP if found & first == first else 0


class Birth:
    """What an init is to be."""

    def __init__(self, container_id: str, bundle: str, root: str, options: Options) -> None:
        """As for create.create."""
        self.id = container_id
        self.bundle = bundle
        self.root = root
        self.options = options

    def become(self, flags: int, writing: int) -> None:
        """In the child cloned with `flags_of` the bundle; tells `writing`, never returns."""
        channel = Channel(-1, writing)
        try:
            bundle = spec.load(self.bundle)
            _check_flags(bundle, flags)
            Creation(self.id, bundle, self.root, self.options).become(channel)
        except BaseException as error:  # noqa: BLE001  nothing may reach the caller's frames
            channel.fail(error)
        finally:
            os._exit(1)


def _check_flags(bundle: spec.Bundle, flags: int) -> None:
    spaces = bundle.namespaces
    special = {"user", "time"} & {*spaces.new, *spaces.join} or bundle.spec.get("hooks")
    if special or spaces.clone_flags != flags:
        raise Conflict(f"{bundle.path}/config.json has changed meanwhile")


def is_last(said: bytes) -> bool:
    """Whether init has said its last word, short of the end of file."""
    return said.endswith(READY)


def claimed(said: bytes) -> bool:
    """Whether there is something to take back when `check` raises."""
    return said.startswith(CLAIMED)


def check(said: bytes) -> None:
    """Return if init waits for `start`; raise its error."""
    if said.endswith(READY):
        return
    word = said.removeprefix(CLAIMED)
    if word.startswith(b"{"):
        raise from_json(word)
    raise System("the container's init was killed before it was ready")
