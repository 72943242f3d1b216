"""How much an archive may ask for, so that memory stays bounded whatever it says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one layer; the defaults are far above every real one."""

    entries: int = 20_000_000
    name: int = 64 << 10
    records: int = 1 << 20
    sparse_pieces: int = 1 << 20
    directories: int = 4_000_000
    size: int = 1 << 50


DEFAULT = Limits()
