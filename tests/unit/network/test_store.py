from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from boxship.model.errors import Invalid, NotFound
from boxship.network.catalogue import Catalogue
from boxship.network.store import Store
from boxship.network.values import Endpoint, Network, Published, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

NET = Network("a1" * 32, "bridge", "bridge", "now", bridge="br0", subnet="10.0.0.0/24")
WEB = Endpoint(
    "e1", NET.id, "c1", "web", ip="10.0.0.2", ports=(Published(80, "tcp", "0.0.0.0", 8080),)
)
BOX = Sandbox("s1", "c1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "network.db"
    store = Store(path)
    store.save_network(NET)
    store.close()
    return path


def test_what_was_added_is_there_after_a_restart(path: Path) -> None:
    store = Store(path)
    store.add(BOX, WEB)
    store.save_network(replace(NET, mtu=1400, options={"a": "b"}))
    store.close()
    store = Store(path)
    assert store.networks() == [replace(NET, mtu=1400, options={"a": "b"})]
    assert (store.sandboxes(), store.endpoints()) == ([BOX], [WEB])
    store.rename("c1", "shop")
    assert store.endpoints() == [replace(WEB, name="shop")]
    store.forget("c1")
    store.forget("c1")
    assert (store.sandboxes(), store.endpoints()) == ([], [])
    store.close()


def test_an_address_has_one_owner_whatever_the_code_does(path: Path) -> None:
    store = Store(path)
    store.add(BOX, WEB)
    with pytest.raises(sqlite3.IntegrityError):
        store.add(Sandbox("s2", "c2"), replace(WEB, id="e2", container_id="c2"))
    assert store.sandboxes() == [BOX]  # both or neither
    store.add(Sandbox("s2", "c2"), Endpoint("e2", NET.id, "c2", "alone"))  # no address: no clash
    store.add(Sandbox("s3", "c3"), Endpoint("e3", NET.id, "c3", "alone"))
    store.close()


def test_networks_are_found_by_id_name_and_beginning(path: Path) -> None:
    store = Store(path)
    other = replace(NET, id="a2" * 32, name="a1")
    store.save_network(other)
    store.add(BOX, WEB)
    catalogue = Catalogue()
    catalogue.load(store)
    store.close()
    assert catalogue.network("bridge") == catalogue.network("default") == NET
    assert catalogue.network(NET.id[:4]) == NET
    assert catalogue.network("a1") == other  # a name goes before the beginning of an id
    with pytest.raises(Invalid, match=r"ambiguous .2 matches found based on ID prefix"):
        catalogue.network("a")
    with pytest.raises(NotFound, match="network b not found"):
        catalogue.network("b")
    assert catalogue.inspected(NET).containers["c1"]["IPv4Address"] == "10.0.0.2/24"
