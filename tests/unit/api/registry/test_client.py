"""The client against registries in memory: let in, sent elsewhere, lied to."""

import base64
import json
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from boxship.api.registry import client as client_module
from boxship.api.registry.client import RegistryClient
from boxship.model import oci
from boxship.model.digest import Digest
from boxship.model.errors import BoxshipError, NotFound, System, Unauthorized, Unavailable
from boxship.model.reference import Reference

MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST}).encode()
AUTH = {"username": "me", "password": "secret"}
BASIC = "Basic " + base64.b64encode(b"me:secret").decode()
Handler = Callable[[web.Request], web.StreamResponse]


class Registry:
    """A server whose answers a test chooses, and what it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, Handler] = {"/v2/": lambda _: web.Response()}
        self.seen: list[tuple[str, str | None]] = []
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self.server = TestServer(app)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.path_qs, request.headers.get("Authorization")))
        handler = self.answers.get(request.path)
        return handler(request) if handler else web.Response(status=404)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    made = Registry()
    async with made.server:
        yield made


@pytest.fixture
async def other() -> AsyncIterator[Registry]:
    made = Registry()
    async with made.server:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[RegistryClient]:
    made = RegistryClient()
    yield made
    await made.close()


def manifest(_: web.Request) -> web.Response:
    return web.Response(body=MANIFEST, content_type=oci.OCI_MANIFEST)


async def pull(client: RegistryClient, registry: Registry, auth: object = None) -> bytes:
    reference = Reference.parse(f"{registry.host}/team/web:1")
    repository = await client.repository(reference, auth)  # type: ignore[arg-type]
    return (await repository.manifest("1")).data


def asks_for_a_token(realm: str) -> Handler:
    def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == "Bearer good":
            return manifest(request)
        challenge = f'Bearer realm="{realm}",service="reg"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    return answer


async def test_a_manifest_is_fetched_over_plain_http_from_this_host(
    client: RegistryClient, registry: Registry
) -> None:
    registry.answers["/v2/team/web/manifests/1"] = manifest
    assert await pull(client, registry) == MANIFEST


async def test_a_token_is_asked_for_with_our_password_and_used(
    client: RegistryClient, registry: Registry, other: Registry
) -> None:
    asked = asks_for_a_token(f"http://{other.host}/token")
    registry.answers |= {"/v2/": asked, "/v2/team/web/manifests/1": asked}
    other.answers["/token"] = lambda _: web.json_response({"token": "good"})
    assert await pull(client, registry, AUTH) == MANIFEST
    path, authorization = other.seen[0]
    assert authorization == BASIC
    assert "scope=repository:team/web:pull" in path
    assert "service=reg" in path
    assert [who for _, who in registry.seen] == [None, "Bearer good"]


@pytest.mark.parametrize("realm", ["http://[::1/token", "http://127.0.0.1:99999/", "/token", ""])
async def test_a_token_service_that_is_nowhere_is_the_registry_s_fault(
    client: RegistryClient, registry: Registry, realm: str
) -> None:
    registry.answers["/v2/"] = asks_for_a_token(realm)
    with pytest.raises(System, match="token service that is not used"):
        await pull(client, registry, AUTH)


async def test_a_token_that_ran_out_is_renewed_once(
    client: RegistryClient, registry: Registry, other: Registry
) -> None:
    asked = asks_for_a_token(f"http://{other.host}/token")
    registry.answers |= {"/v2/": asked, "/v2/team/web/manifests/1": asked}
    tokens = iter(["old", "good"])
    other.answers["/token"] = lambda _: web.json_response({"token": next(tokens)})
    assert await pull(client, registry) == MANIFEST
    assert len(other.seen) == 2


async def test_basic_is_answered_only_with_a_name(
    client: RegistryClient, registry: Registry
) -> None:
    def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == BASIC:
            return manifest(request)
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    registry.answers |= {"/v2/": answer, "/v2/team/web/manifests/1": answer}
    with pytest.raises(Unauthorized, match="no basic auth credentials"):
        await pull(client, registry)
    assert await pull(client, registry, AUTH) == MANIFEST


async def test_who_we_are_sent_to_does_not_learn_who_we_are(
    client: RegistryClient, registry: Registry, other: Registry
) -> None:
    def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"http://{other.host}/data"})

    def basic(_: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    registry.answers |= {"/v2/": basic, "/v2/team/web/manifests/1": elsewhere}
    other.answers["/data"] = manifest
    assert await pull(client, registry, AUTH) == MANIFEST
    assert registry.seen[-1][1] == BASIC
    assert other.seen == [("/data", None)]
    other.answers["/data"] = basic
    with pytest.raises(Unauthorized):
        await pull(client, registry, AUTH)
    assert all(who is None for _, who in other.seen)


async def test_redirects_end(client: RegistryClient, registry: Registry) -> None:
    def around(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": str(request.url)})

    registry.answers["/v2/team/web/manifests/1"] = around
    with pytest.raises(System, match="stopped after 10 redirects"):
        await pull(client, registry)
    registry.answers["/v2/team/web/manifests/1"] = lambda _: web.Response(
        status=302, headers={"Location": "file:///etc/passwd"}
    )
    with pytest.raises(System, match="redirected to no place"):
        await pull(client, registry)


async def test_too_much_is_not_taken(
    client: RegistryClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_MANIFEST", 1000)
    registry.answers["/v2/team/web/manifests/1"] = lambda _: web.Response(body=b" " * 1001)
    with pytest.raises(System, match="more than 1000 bytes are not taken"):
        await pull(client, registry)


async def test_what_was_asked_for_by_digest_is_verified(
    client: RegistryClient, registry: Registry
) -> None:
    digest = Digest.of(b"something else")
    registry.answers[f"/v2/team/web/manifests/{digest}"] = manifest
    registry.answers[f"/v2/team/web/blobs/{digest}"] = manifest
    repository = await client.repository(Reference.parse(f"{registry.host}/team/web"))
    with pytest.raises(System, match="manifest verification failed"):
        await repository.manifest(digest)
    with pytest.raises(System, match=str(digest)):
        await repository.small_blob(digest, 1000)


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (404, "MANIFEST_UNKNOWN", NotFound, "manifest for {}:1 not found: manifest unknown: told"),
        (404, "NAME_UNKNOWN", NotFound, "repository {} not found: name unknown: told"),
        (
            401, "DENIED", NotFound,
            "pull access denied for {}, repository does not exist or may require 'docker login': "
            "denied: told",
        ),
        (401, "UNAUTHORIZED", Unauthorized, "unauthorized: told"),
        (429, "TOOMANYREQUESTS", Unavailable, "toomanyrequests: told"),
        (500, "UNKNOWN", System, "unknown: told"),
    ],
)  # fmt: skip
async def test_refusals_are_told_in_docker_s_words(
    client: RegistryClient,
    registry: Registry,
    status: int,
    code: str,
    kind: type[BoxshipError],
    words: str,
) -> None:
    body = {"errors": [{"code": code, "message": "told"}]}
    registry.answers["/v2/team/web/manifests/1"] = lambda _: web.json_response(body, status=status)
    with pytest.raises(kind) as raised:
        await pull(client, registry)
    assert raised.value.message == words.format(f"{registry.host}/team/web")


async def test_a_refusal_that_nobody_can_read_is_still_one(
    client: RegistryClient, registry: Registry
) -> None:
    registry.answers["/v2/team/web/manifests/1"] = lambda _: web.Response(
        status=502, body=b"[" * 100_00
    )
    with pytest.raises(System, match="unexpected HTTP status: 502"):
        await pull(client, registry)
    registry.answers["/v2/team/web/manifests/1"] = lambda _: web.Response(body=b"[" * 100_000)
    with pytest.raises(System, match="not a JSON document"):
        await pull(client, registry)
