"""Every operation of the API has a route: a path that Docker knows is never `page not found`."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from boxship.daemon.router import Router
from boxship.daemon.routes.table import routes

OPERATIONS = (Path(__file__).parent / "operations-1.50.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def router() -> Router:
    parts = SimpleNamespace(layers=None, images=None, volumes=None)
    return Router(routes(cast("Any", SimpleNamespace(parts=parts))))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_of_the_api_has_a_route(router: Router, operation: str) -> None:
    method, path = operation.split()
    concrete = re.sub(r"\{\w+\}", "name", path)
    assert router.find(method, concrete) is not None


def test_a_name_with_slashes_goes_where_it_belongs(router: Router) -> None:
    for method, path, name in (
        ("GET", "/images/host:5000/a/b:1/json", "host:5000/a/b:1"),
        ("POST", "/images/a/tag/tag", "a/tag"),
        ("DELETE", "/images/a/b@sha256:1", "a/b@sha256:1"),
    ):
        found = router.find(method, path)
        assert found is not None
        assert found[1] == {"name": name}
