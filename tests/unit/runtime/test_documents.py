import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.model.errors import Invalid
from boxship.runtime import documents

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_every_value_comes_back(value: object) -> None:
    assert documents.parse(documents.render(value)) == value
    assert json.loads(documents.render(value, "  ")) == value
    assert documents.parse(f" \n{json.dumps(value)}\n") == value


@pytest.mark.parametrize("text", ["", "{", "[1,]", "{} {}", "nul", '{"a":1,}', "NaN", b"\xff"])
def test_what_is_no_json_is_invalid_and_named(text: str | bytes) -> None:
    with pytest.raises(Invalid, match=r"^x\.json is not JSON"):
        documents.parse(text, "x.json")


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for content in (b"one", b"two"):
        documents.replace(str(path), content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["state.json"]
    assert path.stat().st_mode & 0o777 == 0o600
