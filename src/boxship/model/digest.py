"""The name of bytes: `sha256:` and 64 hex digits (image-spec descriptor.md, "Digests")."""

import hashlib

from boxship.model.errors import Invalid, System

HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = frozenset("0123456789abcdef")
_ALGORITHM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+._-")


class Digest(str):
    """Text that is known to be a digest; it compares and serializes as the text that it is."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """`text` as a digest, or `Invalid` in the words of Docker's clients."""
        algorithm, colon, rest = text.partition(":")
        if not (colon and algorithm and rest and _ALGORITHM.issuperset(algorithm)):
            raise Invalid("invalid checksum digest format")
        length = HEX_LENGTH.get(algorithm)
        if length is None:
            raise Invalid("unsupported digest algorithm")
        if len(rest) != length:
            raise Invalid("invalid checksum digest length")
        if not is_hex(rest):
            raise Invalid("invalid checksum digest format")
        return cls(text)

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        """The sha256 digest of `data`."""
        return cls("sha256:" + hashlib.sha256(data).hexdigest())

    @property
    def algorithm(self) -> str:
        """The part before the colon."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """The part behind the colon."""
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The twelve digits that people read."""
        return self.hex[:12]

    def verified(self, data: bytes) -> bytes:
        """`data`, unless it is not what this digest names."""
        found = hashlib.new(self.algorithm, data).hexdigest()
        if found != self.hex:
            raise System(
                f"content does not match its digest {self}: it is {self.algorithm}:{found}"
            )
        return data


def is_hex(text: str) -> bool:
    """Whether `text` is lower case hex digits only."""
    return _HEX.issuperset(text)


def chain_id(parent: str | None, diff_id: str) -> Digest:
    """The name of a layer on top of `parent` (image-spec config.md, "Layer ChainID")."""
    return Digest(diff_id) if parent is None else Digest.of(f"{parent} {diff_id}".encode())


def chain_ids(diff_ids: list[str]) -> list[Digest]:
    """The chain id of each layer of a stack, the lowest first."""
    chain: list[Digest] = []
    for diff_id in diff_ids:
        chain.append(chain_id(chain[-1] if chain else None, diff_id))
    return chain
