"""containerd's filter language."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.model.errors import Invalid
from boxship.supervisor.filters import lookup_in, parse_filters

RECORD = {
    ("id",): "web",
    ("runtime", "name"): "io.boxship.v1",
    ("labels", "a.b/c"): "yes",
    ("image",): "",
}


def matches(*filters: str) -> bool:
    return parse_filters(filters)(RECORD.get)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", True),
        ("id", True),
        ("nothing", False),
        ("id==web", True),
        ("id == web", True),
        ('id=="web"', True),
        ("id==we", False),
        ("id!=web", False),
        ("nothing!=web", True),
        ("id~=^w.b$", True),
        ("id~=|^w|", True),
        ("id~=/^x/", False),
        ("nothing~=x", False),
        ("id==web,runtime.name==io.boxship.v1", True),
        ("id==web,runtime.name!=io.boxship.v1", False),
        ('labels."a.b/c"==yes', True),
        ("runtime.name", True),
    ],
)
def test_one_filter(text: str, wanted: bool) -> None:
    assert matches(text) is wanted


def test_several_filters_are_alternatives() -> None:
    assert matches("id==db", "id==web")
    assert not matches("id==db", "id==cache")


def test_no_filter_matches_all() -> None:
    assert matches()


@pytest.mark.parametrize(
    "text", ["==x", "id==", "id=x", "id==a b", 'id=="a', "a.", "a,", "id~=(", "id~=[,"]
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="parse error"):
        matches(text)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(Invalid):
        matches(text)


def test_a_map_takes_the_rest_of_the_path_as_its_key() -> None:
    assert lookup_in({"com.example.role": "db"}, ("com", "example", "role")) == "db"
    assert lookup_in({}, ("x",)) is None
