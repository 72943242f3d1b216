"""The index of layers: who needs what, and what goes with its last user."""

from pathlib import Path

import pytest

from boxship.model.errors import NotFound
from boxship.storage.layers import Layer, LayerIndex, Upper


@pytest.fixture
def index(tmp_path: Path) -> LayerIndex:
    return LayerIndex(str(tmp_path / "layers.db"))


def add(index: LayerIndex, name: str, parent: str | None = None, holder: str | None = None) -> None:
    index.add(Layer(name, f"diff {name}", parent, f"cache {name}", name.upper(), 1), holder, "boot")


def names(layers: list[Layer]) -> list[str]:
    return [layer.chain_id for layer in layers]


def test_layers_go_with_their_last_user_from_the_top_down(index: LayerIndex) -> None:
    add(index, "base")
    add(index, "left", "base", "image:1")
    add(index, "right", "base", "image:2")
    assert names(index.stack("left")) == ["left", "base"]
    assert names(index.release("image:1")) == ["left"]
    assert names(index.release("image:1")) == []
    assert names(index.release("image:2")) == ["right", "base"]
    assert index.layers() == []


def test_a_container_keeps_its_layers(index: LayerIndex) -> None:
    add(index, "base", None, "image:1")
    index.add_upper(Upper("web", "cache web", "base", "WEB", None))
    assert names(index.release("image:1")) == []
    assert names(index.remove_upper("web")) == ["base"]
    assert index.remove_upper("web") == []


def test_nobody_can_need_a_layer_that_is_not_there(index: LayerIndex) -> None:
    assert not index.retain("gone", "image:1")
    with pytest.raises(NotFound):
        index.add_upper(Upper("web", "cache web", "gone", "WEB", None))
    assert index.upper("web") is None
    with pytest.raises(NotFound):
        index.stack("gone")


def test_the_first_of_two_equal_layers_stays(index: LayerIndex) -> None:
    add(index, "base", None, "image:1")
    second = Layer("base", "diff base", None, "other cache", "OTHER", 1)
    assert index.add(second, "image:2", "boot").cache_id == "cache base"
    assert index.release("image:1") == []
    assert names(index.release("image:2")) == ["base"]


def test_a_layer_is_unsynced_until_it_is_marked(index: LayerIndex) -> None:
    add(index, "base")
    assert index.unsynced() == {"base": "boot"}
    index.mark_synced(["base"])
    assert index.unsynced() == {}


def test_holders_are_found_by_the_beginning_of_their_name(index: LayerIndex) -> None:
    add(index, "base", None, "image:1")
    index.retain("base", "lease:%")
    assert index.holders("lease:") == ["lease:%"]
    assert sorted(index.holders("")) == ["image:1", "lease:%"]
