"""What an image runs on: operating system, architecture, variant (image-spec image-index.md)."""

import os

from boxship.model.errors import Invalid

_PART = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
# fmt: off
_SYSTEMS = frozenset({
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
    "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos",
})
_ARCHITECTURES = frozenset({
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle",
    "mips64", "mips64le", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc",
    "sparc64", "wasm",
})
# fmt: on
_SPELLINGS = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
}
# What else a machine runs, best first.
_ALSO_RUNS = {
    ("arm", "v8"): [("arm", "v7"), ("arm", "v6"), ("arm", "v5")],
    ("arm", "v7"): [("arm", "v6"), ("arm", "v5")],
    ("arm", "v6"): [("arm", "v5")],
    ("arm64", ""): [("arm", "v8"), ("arm", "v7"), ("arm", "v6"), ("arm", "v5")],
    ("amd64", ""): [("386", "")],
}


class Platform:
    """A platform in normal form: `amd64`, never `x86_64`; no variant where it is the usual one."""

    __slots__ = ("architecture", "os", "os_version", "variant")

    def __init__(
        self, system: str, architecture: str, variant: str = "", os_version: str = ""
    ) -> None:
        """Normalize the spellings that people use."""
        self.os = {"macos": "darwin"}.get(system.lower(), system.lower())
        self.architecture, self.variant = _normal(architecture.lower(), variant.lower())
        self.os_version = os_version

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """`linux/arm64/v8`, `arm64` or `linux`; what is left out is the host's."""
        parts = text.split("/")
        for index, part in enumerate(parts):
            if not part or not _PART.issuperset(part):
                kind = "OS" if index == 0 else ("architecture" if index == 1 else "variant")
                raise Invalid(f'"{part}" is an invalid {kind} component of "{text}"')
        if len(parts) == 1:
            return cls._of_one_word(text)
        if len(parts) > 3:
            raise Invalid(f'"{text}": cannot parse platform specifier: invalid argument')
        return cls(*parts)

    @classmethod
    def _of_one_word(cls, text: str) -> "Platform":
        here = cls.host()
        word = text.lower()
        if word in _SYSTEMS or word == "macos":
            return cls(word, here.architecture, here.variant if word == here.os else "")
        architecture, _ = _normal(word, "")
        if architecture in _ARCHITECTURES:
            return cls(here.os, word)
        raise Invalid(f'"{text}": unknown operating system or architecture: invalid argument')

    @classmethod
    def host(cls) -> "Platform":
        """The platform of this kernel."""
        return cls("linux", os.uname().machine)

    @classmethod
    def of(cls, document: dict[str, str]) -> "Platform":
        """The platform that a descriptor or an image configuration names."""
        return cls(
            document.get("os") or "linux",
            document.get("architecture") or "amd64",
            document.get("variant") or "",
            document.get("os.version") or "",
        )

    def choose(self, offered: list["Platform"]) -> int | None:
        """The index of what fits this platform best, or None."""
        same = [(self.architecture, self.variant)]
        also = _ALSO_RUNS.get((self.architecture, self.variant), [])
        for architecture, variant in same + also:
            for index, other in enumerate(offered):
                if (other.os, other.architecture, other.variant) == (
                    self.os,
                    architecture,
                    variant,
                ):
                    return index
        return None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def __repr__(self) -> str:
        return f"Platform({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Platform) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _normal(architecture: str, variant: str) -> tuple[str, str]:
    architecture, implied = _SPELLINGS.get(architecture, (architecture, ""))
    variant = variant or implied
    if variant and variant[0].isdigit():
        variant = "v" + variant
    if architecture == "arm" and not variant:
        variant = "v7"
    if (architecture, variant) in {("arm64", "v8"), ("amd64", "v1")}:
        variant = ""
    return architecture, variant
