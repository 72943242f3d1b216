"""Where the API is served: addresses, and sockets with their owners."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING

import pytest

from boxship.daemon.http import ApiServer
from boxship.daemon.listeners import tcp_address, unix_socket
from boxship.daemon.routes import absent
from boxship.model.errors import Conflict, Invalid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:2375", ("127.0.0.1", 2375)),
        ("[::1]:9", ("::1", 9)),
        ("[::1]", ("::1", 2375)),
        (":2376", ("127.0.0.1", 2376)),
        ("0.0.0.0:1/", ("0.0.0.0", 1)),
    ],
)
def test_tcp_addresses(text: str, address: tuple[str, int]) -> None:
    assert tcp_address(text) == address


def test_a_port_is_a_number() -> None:
    with pytest.raises(Invalid, match="http is no port"):
        tcp_address("127.0.0.1:http")


async def test_one_server_on_unix_and_tcp(tmp_path: Path) -> None:
    server = ApiServer(absent.routes())
    await server.listen([f"unix://{tmp_path}/api.sock", "tcp://127.0.0.1:0"])
    _, tcp = server._servers
    for connect in (
        asyncio.open_unix_connection(f"{tmp_path}/api.sock"),
        asyncio.open_connection(*tcp.sockets[0].getsockname()),
    ):
        reader, writer = await connect
        writer.write(b"GET /plugins HTTP/1.1\r\nHost: d\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()
    await server.stop()


async def test_other_ways_to_listen_are_refused() -> None:
    with pytest.raises(Invalid, match="invalid bind address"):
        await ApiServer([]).listen(["npipe:////./pipe/docker"])


def test_a_socket_is_for_its_group_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "api.sock"
    with unix_socket(str(path), ""):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_file_that_is_no_socket_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(Conflict, match="no socket"):
        unix_socket(str(path), "")
    assert path.read_text() == "data"
