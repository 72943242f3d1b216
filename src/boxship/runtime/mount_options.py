"""Mount options of runtime-spec config.md, "Linux mount options": words -> what the kernel takes.

attributes  of the one mount: ro, nosuid, noatime ...
recursive   the same for the whole tree below: rro, rnosuid ...
super       flags of the file system's super block: sync, dirsync, lazytime ...
data        words that only the file system understands: mode=755, size=64k ...
"""

from boxship.kernel.filesystems import (
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW,
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_RELATIME,
    MOUNT_ATTR_STRICTATIME,
    Attributes,
)
from boxship.kernel.mounts import MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE

PROPAGATION = {
    "shared": MS_SHARED,
    "slave": MS_SLAVE,
    "private": MS_PRIVATE,
    "unbindable": MS_UNBINDABLE,
}

# What each word sets and clears.
_ATTRIBUTES = {
    "ro": (MOUNT_ATTR_RDONLY, 0),
    "rw": (0, MOUNT_ATTR_RDONLY),
    "nosuid": (MOUNT_ATTR_NOSUID, 0),
    "suid": (0, MOUNT_ATTR_NOSUID),
    "nodev": (MOUNT_ATTR_NODEV, 0),
    "dev": (0, MOUNT_ATTR_NODEV),
    "noexec": (MOUNT_ATTR_NOEXEC, 0),
    "exec": (0, MOUNT_ATTR_NOEXEC),
    "nodiratime": (MOUNT_ATTR_NODIRATIME, 0),
    "diratime": (0, MOUNT_ATTR_NODIRATIME),
    "nosymfollow": (MOUNT_ATTR_NOSYMFOLLOW, 0),
    "symfollow": (0, MOUNT_ATTR_NOSYMFOLLOW),
    "noatime": (MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME),
    "atime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "relatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "norelatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "strictatime": (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
    "nostrictatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
}
_SUPER = {"sync": "sync", "dirsync": "dirsync", "lazytime": "lazytime", "mand": "mand"}
_SUPER |= {"iversion": "iversion", "silent": "silent"}
_NOTHING = {"defaults", "async", "nolazytime", "nomand", "noiversion", "loud", "nodirsync"}


def known_words() -> list[str]:
    """Every word that is not handed to the file system."""
    words = {*_ATTRIBUTES, *(f"r{word}" for word in _ATTRIBUTES)}
    words |= {*PROPAGATION, *(f"r{word}" for word in PROPAGATION), *_SUPER, *_NOTHING}
    return sorted(words | {"bind", "rbind", "remount", "tmpcopyup"})


class Options:
    """What the words of one mount ask for."""

    def __init__(self) -> None:
        """Nothing asked."""
        self.bind = False
        self.recursive_bind = False
        self.remount = False
        self.copy_up = False
        self.idmap = ""  # "", "idmap" or "ridmap"
        self.attributes = Attributes()
        self.recursive = Attributes()
        self.propagations: list[tuple[int, bool]] = []  # (MS_ flag, for the whole tree)
        self.super: list[str] = []
        self.data: list[str] = []

    @property
    def read_only(self) -> bool:
        """Whether `ro` was the last word on it."""
        return bool(self.attributes.set & MOUNT_ATTR_RDONLY)


def parse(words: list[str]) -> Options:
    """The words in order: a later one takes an earlier one back."""
    options = Options()
    for word in words:
        if word in _ATTRIBUTES:
            _merge(options.attributes, *_ATTRIBUTES[word])
        elif word[:1] == "r" and word[1:] in _ATTRIBUTES:
            _merge(options.recursive, *_ATTRIBUTES[word[1:]])
        elif word in PROPAGATION:
            options.propagations.append((PROPAGATION[word], False))
        elif word[:1] == "r" and word[1:] in PROPAGATION:
            options.propagations.append((PROPAGATION[word[1:]], True))
        else:
            _other(options, word)
    return options


def _other(options: Options, word: str) -> None:
    if word in ("bind", "rbind"):
        options.bind = True
        options.recursive_bind = word == "rbind"
    elif word == "remount":
        options.remount = True
    elif word == "tmpcopyup":
        options.copy_up = True
    elif word in ("idmap", "ridmap"):
        options.idmap = word
    elif word in _SUPER:
        options.super.append(_SUPER[word])
    elif word not in _NOTHING and word:
        options.data.append(word)


def _merge(attributes: Attributes, set_: int, clear: int) -> None:
    attributes.set = attributes.set & ~clear | set_
    attributes.clear = (attributes.clear | clear) & ~set_ | clear & MOUNT_ATTR__ATIME
