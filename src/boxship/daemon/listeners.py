"""Listening sockets of the Engine API: `unix:///path`, `tcp://address:port`, `fd://`."""

from __future__ import annotations

import asyncio
import grp
import logging
import os
import socket
import stat
from typing import TYPE_CHECKING

from boxship.model.errors import Conflict, Invalid

if TYPE_CHECKING:
    import ssl

    from aiohttp import web

log = logging.getLogger(__name__)

BACKLOG = 1024
DEFAULT_PORT = 2375
FIRST_PASSED_FD = 3  # sd_listen_fds(3)


async def open_host(
    host: str, http: web.Server, group: str, tls: ssl.SSLContext | None
) -> asyncio.Server:
    """Serve `http` on one host."""
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = "tcp", host
    loop = asyncio.get_running_loop()
    if scheme == "unix":
        return await loop.create_unix_server(http, sock=unix_socket(rest, group), backlog=BACKLOG)
    if scheme == "fd":
        sock = socket.socket(fileno=FIRST_PASSED_FD + int(rest or 0))
        return await loop.create_unix_server(http, sock=sock, backlog=BACKLOG)
    if scheme == "tcp":
        address, port = tcp_address(rest)
        if tls is None:
            log.warning("the API on %s is open to everyone who reaches it: no TLS", host)
        return await loop.create_server(http, address, port, backlog=BACKLOG, ssl=tls)
    raise Invalid(
        f"invalid bind address ({host})", hint="use unix://PATH, tcp://ADDRESS:PORT or fd://"
    )


def tcp_address(text: str) -> tuple[str, int]:
    """`127.0.0.1:2375`, `[::1]:2375` or `:2375` -> address and port."""
    address, _, port = text.rstrip("/").rpartition(":")
    if text.endswith("]") or not address:
        address, port = (text, "") if text.endswith("]") else ("127.0.0.1", port)
    if port and not port.isdigit():
        raise Invalid(f"invalid bind address (tcp://{text}): {port} is no port")
    return address.strip("[]"), int(port or DEFAULT_PORT)


def unix_socket(path: str, group: str) -> socket.socket:
    """A listening socket at `path` for root and `group`; a stale one is replaced."""
    path = path or "/run/boxship/docker.sock"
    os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    # The mode is right from the first moment: nobody slips in between bind and chmod.
    before = os.umask(0o117)
    try:
        sock.bind(path)
    finally:
        os.umask(before)
    os.chown(path, -1, _group_id(group))
    return sock


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise Conflict(f"cannot listen on {path}: there is a file that is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(path) == 0:
            raise Conflict(
                f"cannot listen on {path}: another daemon does",
                hint="stop it, or give this one its own socket with --host",
            )
    os.unlink(path)


def _group_id(group: str) -> int:
    if not group:
        return -1
    if group.isdigit():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        if group != "docker":
            log.warning("could not change group of the socket to %s: there is no such group", group)
        return -1
