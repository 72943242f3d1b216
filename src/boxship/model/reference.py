"""The name of an image: `domain/path:tag@digest`, and the short forms that people type.

    reference   web                docker.io/library/web:latest
    familiar    the short form again, as Docker prints it
    bare        neither tag nor digest: a whole repository

The grammar is that of Docker's references: a first part with a dot, a colon or a capital, or
`localhost`, is a registry; everything else is of docker.io, single words of its `library`.
"""

from boxship.model.digest import Digest, is_hex
from boxship.model.errors import Invalid

DEFAULT_DOMAIN = "docker.io"
LEGACY_DOMAIN = "index.docker.io"
OFFICIAL = "library/"
DEFAULT_TAG = "latest"
MAX_PATH = 255
MAX_TAG = 128

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALPHANUMERIC = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD = _ALPHANUMERIC | {"_"}
_TAG = _WORD | {".", "-"}
_SEPARATORS = frozenset("._-")
_IPV6 = frozenset("0123456789abcdefABCDEF:")


class Reference:
    """One name of an image or, when bare, of a repository.  A value: it never changes."""

    __slots__ = ("digest", "domain", "path", "tag")

    def __init__(
        self, domain: str, path: str, tag: str | None = None, digest: Digest | None = None
    ) -> None:
        """Take parts that are known to be right; text goes through `parse`."""
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """What `text` names; the tag `latest` when it says neither tag nor digest."""
        found = cls.parse_bare(text)
        return found.with_tag(DEFAULT_TAG) if found.is_bare else found

    @classmethod
    def parse_bare(cls, text: str) -> "Reference":
        """What `text` names, with no default tag added."""
        if len(text) == 64 and is_hex(text):
            raise Invalid(
                f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
            )
        domain, rest = _split_domain(text)
        written = rest.partition(":")[0]
        if written.lower() != written:
            raise _malformed(f"repository name ({written}) must be lowercase")
        rest, at, digest = rest.partition("@")
        path, colon, tag = rest.partition(":")
        if not (_is_domain(domain) and _is_path(path) and (not colon or _is_tag(tag))):
            raise _malformed()
        if len(path) > MAX_PATH:
            raise Invalid(f"repository name must not be more than {MAX_PATH} characters")
        return cls(domain, path, tag if colon else None, _digest(digest) if at else None)

    @property
    def name(self) -> str:
        """The repository: domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The repository as people type it: `web` for docker.io/library/web."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        short = self.path.removeprefix(OFFICIAL)
        return self.path if "/" in short else short

    @property
    def is_bare(self) -> bool:
        """Whether it names a repository only."""
        return self.tag is None and self.digest is None

    def familiar(self) -> str:
        """The whole reference as people type it."""
        return self.familiar_name + self._suffix()

    def with_tag(self, tag: str) -> "Reference":
        """The same repository with `tag`, and no digest."""
        if not _is_tag(tag):
            raise Invalid("invalid tag format")
        return Reference(self.domain, self.path, tag)

    def with_digest(self, digest: str) -> "Reference":
        """The same repository with `digest`, and no tag."""
        return Reference(self.domain, self.path, None, Digest.parse(digest))

    def bare(self) -> "Reference":
        """The repository alone."""
        return Reference(self.domain, self.path)

    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        return f"{tag}@{self.digest}" if self.digest is not None else tag

    def __str__(self) -> str:
        return self.name + self._suffix()

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _malformed(why: str = "") -> Invalid:
    return Invalid(f"invalid reference format: {why}" if why else "invalid reference format")


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return DEFAULT_DOMAIN, OFFICIAL + text
    if first == LEGACY_DOMAIN:
        first = DEFAULT_DOMAIN
    elif not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        return DEFAULT_DOMAIN, text
    if first == DEFAULT_DOMAIN and "/" not in rest:
        rest = OFFICIAL + rest
    return first, rest


def _digest(text: str) -> Digest:
    """A digest inside of a reference; one that no rule fits spoils the whole reference."""
    algorithm, _, rest = text.partition(":")
    if len(rest) < 32 or not (algorithm and is_hex(rest.lower())):
        raise _malformed()
    return Digest.parse(text)


def _is_domain(text: str) -> bool:
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        return bool(bracket and host) and _IPV6.issuperset(host) and _is_port(port)
    host, colon, port = text.partition(":")
    return _is_port(colon + port) and all(_is_label(label) for label in host.split("."))


def _is_port(text: str) -> bool:
    """Whether `text` is nothing, or a colon and digits."""
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit())


def _is_label(text: str) -> bool:
    return (
        bool(text)
        and (_ALPHANUMERIC | {"-"}).issuperset(text)
        and text[0] != "-"
        and text[-1] != "-"
    )


def _is_path(text: str) -> bool:
    return all(_is_component(part) for part in text.split("/"))


def _is_component(text: str) -> bool:
    """Runs of [a-z0-9] with `.`, `_`, `__` or any number of `-` between two of them."""
    if not text or text[0] not in _LOWER or text[-1] not in _LOWER:
        return False
    separator = ""
    for char in text:
        if char in _SEPARATORS:
            separator += char
        elif char in _LOWER:
            if separator not in {"", ".", "_", "__"} and separator.strip("-"):
                return False
            separator = ""
        else:
            return False
    return True


def _is_tag(text: str) -> bool:
    return 0 < len(text) <= MAX_TAG and text[0] in _WORD and _TAG.issuperset(text)
