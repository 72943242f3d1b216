"""Names that we choose, and names that we are given."""

import random

import pytest

from boxship.daemon.names import ADJECTIVES, SURNAMES, checked, generate
from boxship.model.errors import Invalid


def test_a_name_is_an_adjective_and_a_surname() -> None:
    adjective, _, surname = generate(lambda _: False, random.Random(7)).partition("_")
    assert adjective in ADJECTIVES
    assert surname in SURNAMES


def test_a_taken_name_is_not_chosen_and_after_some_tries_a_digit_is_added() -> None:
    name = generate(lambda name: not name[-1].isdigit(), random.Random(7))
    assert name[-1].isdigit()


def test_the_lists_have_no_doubles_and_every_name_passes_the_rule() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES)
    assert len(set(SURNAMES)) == len(SURNAMES)
    assert all(checked(f"{a}_{s}") for a in ADJECTIVES for s in SURNAMES[:3])


@pytest.mark.parametrize("name", ["%", "a", "-web", "we b", "web/1", ""])
def test_a_wrong_name_is_refused_in_dockers_words(name: str) -> None:
    with pytest.raises(Invalid, match=r"Invalid container name \(.*\), only \[a-zA-Z0-9\]"):
        checked(name)


def test_the_slash_of_the_api_is_dropped() -> None:
    assert checked("/web1") == "web1"
