"""References: what people type, what is meant, and how it is printed again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.model.errors import Invalid
from boxship.model.reference import Reference

SHA = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("typed", "full", "familiar"),
    [
        ("web", "docker.io/library/web:latest", "web:latest"),
        ("web:1.0", "docker.io/library/web:1.0", "web:1.0"),
        ("me/web", "docker.io/me/web:latest", "me/web:latest"),
        ("docker.io/web", "docker.io/library/web:latest", "web:latest"),
        ("index.docker.io/web", "docker.io/library/web:latest", "web:latest"),
        ("docker.io/library/web", "docker.io/library/web:latest", "web:latest"),
        ("library/web", "docker.io/library/web:latest", "web:latest"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("localhost/web", "localhost/web:latest", "localhost/web:latest"),
        ("localhost:5000/web", "localhost:5000/web:latest", "localhost:5000/web:latest"),
        ("127.0.0.1:5000/a/b:x", "127.0.0.1:5000/a/b:x", "127.0.0.1:5000/a/b:x"),
        ("[::1]:5000/web", "[::1]:5000/web:latest", "[::1]:5000/web:latest"),
        ("reg.example/web", "reg.example/web:latest", "reg.example/web:latest"),
        ("ABC/web", "ABC/web:latest", "ABC/web:latest"),
        (f"web@{SHA}", f"docker.io/library/web@{SHA}", f"web@{SHA}"),
        (f"web:1@{SHA}", f"docker.io/library/web:1@{SHA}", f"web:1@{SHA}"),
        ("a__b.c-d---e", "docker.io/library/a__b.c-d---e:latest", "a__b.c-d---e:latest"),
    ],
)
def test_a_reference_is_normalized_and_printed_again(typed: str, full: str, familiar: str) -> None:
    reference = Reference.parse(typed)
    assert str(reference) == full
    assert reference.familiar() == familiar
    assert Reference.parse(full) == reference == Reference.parse(familiar)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Foo", r"repository name \(library/Foo\) must be lowercase"),
        ("foo/Bar", r"repository name \(foo/Bar\) must be lowercase"),
        ("localhost/Foo", r"repository name \(Foo\) must be lowercase"),
        ("a" * 64, "cannot specify 64-byte hexadecimal strings"),
        ("a/" + "b" * 255, "must not be more than 255 characters"),
        ("foo@sha256:" + "ab" * 20, "invalid checksum digest length"),
        ("foo@md9:" + "ab" * 20, "unsupported digest algorithm"),
    ],
)
def test_a_refusal_has_the_words_of_docker(typed: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        Reference.parse(typed)


@pytest.mark.parametrize(
    "typed",
    [
        *("", ":", "@", "/", "foo:", "foo@", "a//b", "-x", "x-", "foo:-x", "foo@sha256:abc"),
        *("a___b", "a..b", "a._b", "a-_b", "foo:" + "t" * 129, "x.y:port/foo", "-a.b/foo"),
        *("[::1/foo", "foo bar", "foo:a b", "f\u00f6\u00f6", "a/", "foo:1:2", "x..y/foo", "\n"),
    ],
)
def test_what_no_rule_fits_is_an_invalid_reference_format(typed: str) -> None:
    with pytest.raises(Invalid, match=r"^invalid reference format$"):
        Reference.parse(typed)


def test_a_bare_reference_keeps_to_its_repository() -> None:
    bare = Reference.parse_bare("me/web")
    assert bare.is_bare
    assert str(bare) == "docker.io/me/web"
    assert bare.with_digest(SHA).familiar() == f"me/web@{SHA}"
    assert Reference.parse("me/web:2").bare() == bare


component = st.from_regex(r"\A[a-z0-9]+((\.|_|__|-+)[a-z0-9]+){0,3}\Z")
domain = st.sampled_from(["docker.io", "localhost", "reg.example:5000", "10.0.0.1", "[fe80::1]:1"])
tag = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.\-]{0,20}\Z")


@given(domain, st.lists(component, min_size=2, max_size=4), tag)
def test_every_reference_of_the_grammar_survives_its_own_text(
    host: str, path: list[str], label: str
) -> None:
    reference = Reference.parse(f"{host}/{'/'.join(path)}:{label}")
    assert reference.tag == label
    assert Reference.parse(str(reference)) == reference
    # Docker's own ambiguity: docker.io/a.b/c is printed as a.b/c, which is another registry.
    if host != "docker.io" or "." not in path[0]:
        assert Reference.parse(reference.familiar()) == reference


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_invalid(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except Invalid:
        return
    assert Reference.parse(str(reference)) == reference
