"""--security-opt: what it says, and what is not there yet.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxship.daemon import seccomp
from boxship.model.errors import Invalid

if TYPE_CHECKING:
    from boxship.daemon.host import HostFacts


@dataclass(frozen=True, slots=True)
class Security:
    """The options of one container; `profile` None: unconfined."""

    profile: dict[str, Any] | None
    no_new_privileges: bool = False
    warnings: tuple[str, ...] = ()


def parsed(
    options: list[str] | None, *, privileged: bool, default: dict[str, Any] | None
) -> Security:
    """The options by name; `default` is the daemon's profile."""
    profile = None if privileged else default
    no_new_privileges = False
    warnings: list[str] = []
    for option in options or []:
        name, separator, value = _split(option)
        if name == "no-new-privileges":
            no_new_privileges = _flag(value) if separator else True
        elif name == "seccomp" and separator:
            profile = _profile(value, default)
        elif name in ("apparmor", "label", "writable-cgroups"):
            warnings.append(f"--security-opt {name} is not supported here and is ignored")
        else:
            raise Invalid(f'invalid --security-opt {2 if separator else 1}: "{option}"')
    return Security(profile, no_new_privileges, tuple(warnings))


def _split(option: str) -> tuple[str, str, str]:
    separator = "=" if "=" in option.split(":")[0] or ":" not in option else ":"
    return option.partition(separator)


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false", "1", "0", "t", "f"):
        raise Invalid(f'invalid --security-opt 2: "no-new-privileges={value}"')
    return value.lower() in ("true", "1", "t")


def _profile(value: str, default: dict[str, Any] | None) -> dict[str, Any] | None:
    if value == "unconfined":
        return None
    if value == "builtin":
        return seccomp.default_profile()
    return seccomp.parsed(value) if value else default


class Filters:
    """Filters in the OCI form, made once for each set of capabilities of the daemon's profile."""

    def __init__(self, default: dict[str, Any] | None, host: HostFacts) -> None:
        """`default` is the profile whose filters are kept."""
        self._default = default
        self._host = host
        self._made: dict[tuple[str, ...], dict[str, Any]] = {}

    def get(self, profile: dict[str, Any] | None, allowed: list[str]) -> dict[str, Any] | None:
        """The filter of a profile, or None for none."""
        if profile is None:
            return None
        if profile is not self._default:
            return seccomp.converted(profile, allowed, self._host)
        key = tuple(allowed)
        if key not in self._made:
            self._made[key] = seccomp.converted(profile, allowed, self._host)
        return self._made[key]
