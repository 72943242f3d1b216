"""Devices of a container: the nodes that it finds in /dev, and what its cgroup allows."""

from __future__ import annotations

import os
import re
import stat
from typing import Any

from boxship.model.errors import Invalid, System

Rules = list[dict[str, Any]]
Nodes = list[dict[str, Any]]


def _rule(allow: bool, kind: str, major: int, minor: int, access: str = "rwm") -> dict[str, Any]:
    return {"allow": allow, "type": kind, "major": major, "minor": minor, "access": access}


DEFAULT_RULES: Rules = [
    {"allow": False, "access": "rwm"},
    *(_rule(True, "c", 1, minor) for minor in (5, 3, 9, 8)),  # zero null urandom random
    *(_rule(True, "c", 5, minor) for minor in (0, 1)),  # tty console
    _rule(False, "c", 10, 229),  # fuse
]
_CGROUP_RULE = re.compile(r"^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$")


def devices(host_config: dict[str, Any]) -> tuple[Nodes, Rules]:
    """Nodes and rules for --device, --device-cgroup-rule and --privileged."""
    for request in host_config.get("DeviceRequests") or []:
        driver, abilities = request.get("Driver") or "", request.get("Capabilities") or []
        shown = " ".join(f"[{' '.join(some)}]" for some in abilities)
        raise System(f'could not select device driver "{driver}" with capabilities: [{shown}]')
    if host_config.get("Privileged"):
        return _all_nodes(), [{"allow": True, "access": "rwm"}]
    nodes: Nodes = []
    rules = list(DEFAULT_RULES)
    for asked in host_config.get("Devices") or []:
        inside = asked.get("PathInContainer") or asked["PathOnHost"]
        found = _nodes(asked["PathOnHost"], inside)
        nodes += found
        access = asked.get("CgroupPermissions") or "rwm"
        rules += [_rule(True, n["type"], n["major"], n["minor"], access) for n in found]
    rules += [_parsed(text) for text in host_config.get("DeviceCgroupRules") or []]
    return nodes, rules


def numbers(path: str) -> tuple[int, int]:
    """Major and minor of a device node."""
    device = os.stat(path).st_rdev
    return os.major(device), os.minor(device)


def _nodes(path: str, inside: str) -> Nodes:
    try:
        path = os.path.realpath(path, strict=True)
        if os.path.isdir(path):
            return [
                node
                for folder, _, names in os.walk(path)
                for name in sorted(names)
                for node in _node(
                    os.path.join(folder, name),
                    os.path.join(inside, os.path.relpath(os.path.join(folder, name), path)),
                )
            ]
        found = _node(path, inside)
    except OSError as e:
        raise Invalid(
            f'error gathering device information while adding custom device "{path}": '
            f"{(e.strerror or str(e)).lower()}"
        ) from e
    if not found:
        raise Invalid(
            f'error gathering device information while adding custom device "{path}": '
            "not a device node"
        )
    return found


def _node(path: str, inside: str) -> Nodes:
    info = os.lstat(path)
    if not (stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode)):
        return []
    return [
        {
            "path": inside,
            "type": "c" if stat.S_ISCHR(info.st_mode) else "b",
            "major": os.major(info.st_rdev),
            "minor": os.minor(info.st_rdev),
            "fileMode": stat.S_IMODE(info.st_mode),
            "uid": info.st_uid,
            "gid": info.st_gid,
        }
    ]


_OWN = {"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"}


def _all_nodes() -> Nodes:
    nodes: Nodes = []
    for folder, folders, names in os.walk("/dev"):
        folders[:] = sorted(set(folders) - _OWN)
        for name in sorted(set(names) - {"console"}):
            path = os.path.join(folder, name)
            nodes += _node(path, path)
    return nodes


def _parsed(text: str) -> dict[str, Any]:
    found = _CGROUP_RULE.match(text)
    if not found:
        raise Invalid(f"invalid device cgroup rule format: '{text}'")
    major, minor = (-1 if n == "*" else int(n) for n in found.group(2, 3))
    return _rule(True, found[1], major, minor, found[4])
