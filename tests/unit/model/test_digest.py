"""Digests: the text, the check, and the chain of layers."""

import hashlib

import pytest

from boxship.model.digest import Digest, chain_id, chain_ids
from boxship.model.errors import Invalid, System

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64


def test_a_digest_is_the_text_that_it_is() -> None:
    digest = Digest.parse(A)
    assert (digest, digest.algorithm, digest.hex) == (A, "sha256", "a" * 64)
    assert digest.short == "a" * 12


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sha256", "invalid checksum digest format"),
        ("sha256:", "invalid checksum digest format"),
        ("sha256:" + "A" * 64, "invalid checksum digest format"),
        ("sha256:abc", "invalid checksum digest length"),
        ("../x:" + "a" * 64, "invalid checksum digest format"),
        ("md5:" + "a" * 32, "unsupported digest algorithm"),
    ],
)
def test_other_text_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        Digest.parse(text)


def test_verified_bytes_are_the_bytes_that_are_named() -> None:
    assert Digest.of(b"x").verified(b"x") == b"x"
    with pytest.raises(System, match="does not match its digest"):
        Digest.of(b"x").verified(b"y")
    assert Digest("sha512:" + hashlib.sha512(b"x").hexdigest()).verified(b"x") == b"x"


def test_a_chain_id_names_the_layer_and_all_below_it() -> None:
    assert chain_id(None, A) == A
    both = "sha256:" + hashlib.sha256(f"{A} {B}".encode()).hexdigest()
    assert chain_id(A, B) == both
    assert chain_ids([A, B]) == [A, both]
    assert chain_ids([]) == []
