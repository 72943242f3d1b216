"""Images as values: ids, times, sizes as Docker writes them."""

import pytest

from boxship.images.image import Image, encode, timestamp
from boxship.images.progress import amount, human_size
from boxship.model.digest import chain_id
from boxship.model.errors import Invalid
from boxship.model.reference import Reference

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def test_an_image_names_its_layers() -> None:
    image = Image(A, {"rootfs": {"type": "layers", "diff_ids": [A, B]}}, 0)
    assert image.layers == [A, B]
    assert {type(text) for text in (*image.layers, image.top_layer)} == {str}  # for encoders
    assert image.top_layer == chain_id(A, B)
    assert Image(A, {"rootfs": {"diff_ids": None}}, 0).top_layer is None


@pytest.mark.parametrize("found", [{}, "x", [1], ["sha256:x"], [A] * 600])
def test_layers_that_are_no_digests_are_refused(found: object) -> None:
    if found == {}:
        found = {"a": 1}
    with pytest.raises(Invalid):
        _ = Image(A, {"rootfs": {"diff_ids": found}}, 0).layers


def test_names_are_tags_and_digests() -> None:
    names = (Reference.parse("web:1"), Reference.parse(f"reg.example/web@{B}"))
    image = Image(A, {}, 0, references=names)
    assert image.repo_tags == ["web:1"]
    assert image.repo_digests == [f"reg.example/web@{B}"]


def test_a_configuration_is_written_as_go_writes_it() -> None:
    assert (
        encode({"a": "<&>\u00e9", "b": None})
        == '{"a":"\\u003c\\u0026\\u003e\u00e9","b":null}'.encode()
    )


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"),
        (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
    ],
)
def test_times_are_written_as_go_writes_them(nanoseconds: int, text: str) -> None:
    assert timestamp(nanoseconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (36445, "36.45kB"), (1080027, "1.08MB"), (10**12, "1TB")],
)
def test_sizes_have_four_digits(size: int, text: str) -> None:
    assert human_size(size) == text


def test_progress_is_drawn_as_docker_draws_it() -> None:
    message = amount("Downloading", "12f2df58e1c5", 36445, 1080027)
    assert message["progress"] == "[=>" + " " * 49 + "]  36.45kB/1.08MB"
    assert amount("x", "y", 5, 5)["progress"] == "[" + "=" * 50 + ">]       5B/5B"
