"""The registry client: manifests and blobs of a repository (distribution-spec, "Pull").

    repository = await client.repository(reference, credentials)    finds the endpoint, /v2/
    manifest   = await repository.manifest("latest")                whole, small, with its digest
    async for piece in repository.blob(digest): ...                 streamed; the caller verifies

Nothing that a registry says is believed: sizes are bounded here, digests are verified.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from boxship.api.registry.challenges import Challenge, parse_challenges
from boxship.api.registry.endpoints import Endpoint, endpoints
from boxship.api.registry.errors import refusal
from boxship.api.registry.transport import Transport, pieces_of, read_bounded
from boxship.model import oci
from boxship.model.digest import Digest
from boxship.model.errors import BoxshipError, System, Unauthorized
from boxship.model.reference import Reference

MAX_MANIFEST = 4 << 20
MAX_TOKEN = 1 << 20
MAX_REFUSAL = 64 << 10


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks: a name with a password, or a refresh token of the registry's token service."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    @classmethod
    def of(cls, auth: Mapping[str, str] | None) -> "Credentials":
        """From the document that Docker's clients send in X-Registry-Auth."""
        auth = auth or {}
        username, password = auth.get("username", ""), auth.get("password", "")
        if auth.get("auth") and not username:
            try:
                both = base64.b64decode(auth["auth"]).decode()
            except ValueError:
                both = ""
            username, _, password = both.partition(":")
        identity, registry = auth.get("identitytoken", ""), auth.get("registrytoken", "")
        return cls(username, password, identity, registry)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A document of a registry, as it was served."""

    data: bytes
    media_type: str
    digest: Digest
    document: dict[str, object]


class RegistryClient:
    """Calls registries.  One for an engine; used on one event loop."""

    def __init__(self, insecure: Iterable[str] = ()) -> None:
        """`insecure`: registries and networks that may be reached without TLS."""
        self._insecure = tuple(insecure)
        self._transport = Transport()

    async def repository(
        self, reference: Reference, auth: Mapping[str, str] | None = None
    ) -> "Repository":
        """Find the endpoint that serves the registry of `reference`."""
        failure: BoxshipError | None = None
        for endpoint in endpoints(reference.domain, self._insecure):
            try:
                url = f"{endpoint.url}/v2/"
                async with self._transport.get(url, {}, verify=endpoint.verify) as response:
                    challenges = _challenges(response)
                return Repository(
                    self._transport, endpoint, reference, Credentials.of(auth), challenges
                )
            except BoxshipError as error:
                failure = error
        raise failure or System(f"no endpoint for {reference.domain}")

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()


class Repository:
    """One repository at one endpoint."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        reference: Reference,
        credentials: Credentials,
        challenges: list[Challenge],
    ) -> None:
        """Remember who asks for what, where."""
        self._transport = transport
        self._endpoint = endpoint
        self._reference = reference
        self._credentials = credentials
        self._challenges = challenges
        self._authorization: str | None = None

    async def manifest(self, name: str) -> Manifest:
        """The manifest or index that a tag or digest names; by digest it is verified."""
        path = f"/manifests/{name}"
        async with self._get(path, {"Accept": ", ".join(oci.ACCEPTED)}) as response:
            data = await read_bounded(response, MAX_MANIFEST, "manifest")
            served = response.headers.get("Content-Type", "")
        if ":" in name:
            digest = Digest.parse(name)
            _verify(digest, data)
        else:
            digest = Digest.of(data)
        document = _document(data, f"manifest {name}")
        return Manifest(data, oci.kind_of(document, served), digest, document)

    async def blob(self, digest: Digest) -> AsyncIterator[bytes]:
        """The bytes of a blob, as they come, not verified."""
        async with self._get(f"/blobs/{digest}", {}) as response:
            async for piece in pieces_of(response):
                yield piece

    async def small_blob(self, digest: Digest, limit: int) -> bytes:
        """A whole blob, verified."""
        async with self._get(f"/blobs/{digest}", {}) as response:
            data = await read_bounded(response, limit, f"blob {digest}")
        _verify(digest, data, "image config")
        return data

    @asynccontextmanager
    async def _get(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self._endpoint.url}/v2/{self._reference.path}{path}"
        if self._authorization is None and self._challenges:
            await self._authorize(self._challenges, url)
        for attempt in (1, 2):
            sent = dict(headers)
            if self._authorization:
                sent["Authorization"] = self._authorization
            async with self._transport.get(url, sent, verify=self._endpoint.verify) as response:
                if response.status < 300:
                    yield response
                    return
                challenges = _challenges(response)
                ours = response.url.origin() == URL(url).origin()
                body = await read_bounded(response, MAX_REFUSAL, "refusal")
            # A token may have run out, or not cover this; whoever we were sent to gets no answer.
            if not (response.status == 401 and challenges and ours and attempt == 1):
                raise refusal(response.status, body, self._reference, url)
            await self._authorize(challenges, url)

    async def _authorize(self, challenges: list[Challenge], url: str) -> None:
        who = self._credentials
        for challenge in challenges:
            if challenge.scheme == "bearer":
                token = who.registry_token or await self._token(challenge)
                self._authorization = f"Bearer {token}"
                return
            if challenge.scheme == "basic":
                if not who.username:
                    raise Unauthorized(
                        f'Get "{url}": no basic auth credentials', hint="log in to the registry"
                    )
                self._authorization = _basic(who)
                return

    async def _token(self, challenge: Challenge) -> str:
        """Ask the token service that the registry named for a token to pull from here."""
        realm = self._realm(challenge.parameters.get("realm", ""))
        query = {"scope": f"repository:{self._reference.path}:pull"}
        if "service" in challenge.parameters:
            query["service"] = challenge.parameters["service"]
        headers = {}
        if self._credentials.username:
            query["account"] = self._credentials.username
            headers["Authorization"] = _basic(self._credentials)
        url = str(realm.update_query(query))
        async with self._transport.get(url, headers, verify=self._endpoint.verify) as response:
            body = await read_bounded(response, MAX_TOKEN, "token")
            if response.status != 200:
                raise refusal(response.status, body, self._reference, url)
        document = _document(body, "token")
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str) or not token.isprintable():
            raise System(f"the token service {realm.host} answered without a token")
        return token

    def _realm(self, named: str) -> URL:
        """Passwords go over TLS, unless the registry itself is reached without."""
        allowed = {"https"} if self._endpoint.url.startswith("https:") else {"https", "http"}
        try:
            realm = URL(named)
        except ValueError:
            realm = URL()
        if realm.scheme not in allowed or not realm.host:
            raise System(f"the registry named a token service that is not used: {named[:200]!r}")
        return realm


def _challenges(response: aiohttp.ClientResponse) -> list[Challenge]:
    if response.status != 401:
        return []
    return [
        challenge
        for header in response.headers.getall("WWW-Authenticate", [])
        for challenge in parse_challenges(header)
    ]


def _basic(who: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{who.username}:{who.password}".encode()).decode()


def _verify(digest: Digest, data: bytes, what: str = "manifest") -> None:
    try:
        digest.verified(data)
    except System as error:
        raise System(f"{what} verification failed for digest {digest}: {error}") from error


def _document(data: bytes, what: str) -> dict[str, object]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise System(f"{what}: not a JSON document")
    return document
