"""Names for containers that were given none, and the rule for those that were."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxship.model.errors import Invalid, System

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_ADJECTIVES = """
able agile amber ample apt azure balmy bold brave breezy bright brisk calm candid cheery clever
coastal cosy crisp curious daring deft eager early earnest easy fair faithful fearless fluent
fond frank free fresh gallant gentle glad golden graceful grand green handy happy hardy hearty
honest hopeful humble jolly keen kind lively loyal lucid lucky mellow merry mighty mild modest
neat nimble noble open patient placid plucky polite proud quick quiet rapid ready robust rosy
salty seaworthy serene sharp silver sincere sleek smooth snug sober solid sound spry stable
steady stout sturdy sunny sure swift tidal tidy tireless tranquil trim true upbeat valiant vivid
warm wary wise witty zesty
"""

_SURNAMES = """
abel aitken amundsen anning babbage banach banks barents bering bernoulli blackwell bohr boole
bougainville cabot cantor carson cauchy chen cook cousteau curie dampier darwin davis diaz dirac
drake earhart earle eriksson euclid euler faraday fermat fermi flinders franklin frobisher
galois gama gauss germain goodall grotius halley hamming herschel hilbert hipparchus hooke
hopper hudson humboldt huygens hypatia ibnbattuta jacobi kepler klein knuth kovalevskaya
lagrange laplace lavoisier leibniz linnaeus lovelace magellan maury maxwell meitner mendel
mercator nansen nash newton nightingale noether ohm pascal pasteur peary planck polo ptolemy
pytheas raleigh ramanujan riemann ross sabine scott selkirk shackleton shannon slocum snell
somerville tasman tereshkova tesla turing vancouver vespucci volta wegener wiener worsley zeng
zheng
"""

ADJECTIVES, SURNAMES = _ADJECTIVES.split(), _SURNAMES.split()

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_TRIES = 6


def checked(name: str) -> str:
    """The name without its slash, or Invalid in Docker's words."""
    plain = name.removeprefix("/")
    if not _NAME.fullmatch(plain):
        raise Invalid(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )
    return plain


def generate(taken: Callable[[str], bool], chance: random.Random) -> str:
    """A name that is not taken; after some tries a digit is added, as Docker does."""
    for attempt in range(_TRIES * 10):
        name = f"{chance.choice(ADJECTIVES)}_{chance.choice(SURNAMES)}"
        if attempt >= _TRIES:
            name += str(chance.randrange(10))
        if not taken(name):
            return name
    raise System("no free name was found for the container", hint="give one with --name")
