"""Records of containers and namespaces."""

from pathlib import Path

import pytest

from boxship.api.containerd.containers_pb2 import Container
from boxship.model.errors import Conflict, NotFound
from boxship.supervisor import store as store_module
from boxship.supervisor.status import Exists
from boxship.supervisor.store import Store


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "supervisor.db")


async def test_records_are_there_for_the_next_supervisor_without_a_close(path: str) -> None:
    first = Store(path)
    first.create_container("moby", Container(id="web", labels={"a": "b"}))
    name = first.uuid()
    second = Store(path)  # the first did not close: as after kill -9
    assert second.container("moby", "web").labels["a"] == "b"
    assert second.uuid() == name
    assert list(second.namespaces()) == ["moby"]


async def test_a_name_is_taken_once_per_namespace(path: str) -> None:
    store = Store(path)
    store.create_container("moby", Container(id="web"))
    store.create_container("k8s", Container(id="web"))
    with pytest.raises(Exists, match='container "web"'):
        store.create_container("moby", Container(id="web"))


async def test_what_is_deleted_is_gone(path: str) -> None:
    store = Store(path)
    store.create_container("moby", Container(id="web"))
    with pytest.raises(Conflict, match="still has containers"):
        store.delete_namespace("moby")
    store.delete_container("moby", "web")
    with pytest.raises(NotFound, match='container "web" in namespace "moby"'):
        store.container("moby", "web")
    with pytest.raises(NotFound):
        store.delete_container("moby", "web")
    store.delete_namespace("moby")
    assert store.namespaces() == {}


async def test_the_write_ahead_log_is_moved_beside_the_work(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "CHECKPOINT_AFTER", 3)
    store = Store(path)
    for number in range(7):
        store.create_container("moby", Container(id=f"c{number}"))
        if store._checkpoint is not None:
            await store._checkpoint
    assert len(store.containers("moby")) == 7
    store.close()
    assert len(Store(path).containers("moby")) == 7
