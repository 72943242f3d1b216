"""Who a process runs as: `--user` resolved with the container's own passwd and group.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from boxship.model.errors import Invalid

_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class User:
    """Numbers for the kernel."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()


def resolve(asked: str, passwd: bytes, group: bytes, extra: list[str]) -> User:
    """`user[:group]` by name or number; `extra` are the groups of --group-add."""
    user_text, _, group_text = asked.partition(":")
    uid, gid, name = _user(user_text or "0", _rows(passwd, 7))
    groups = _rows(group, 4)
    more: list[int] = []
    if group_text:
        gid = _group(group_text, groups)
    else:
        more = [_number(g[2]) for g in groups if name and name in g[3].split(",")]
    more += [_group(text, groups) for text in extra]
    return User(uid, gid, tuple(dict.fromkeys([gid, *more])))


def _user(text: str, rows: list[list[str]]) -> tuple[int, int, str]:
    for row in rows:
        if row[0] == text or (_is_number(text) and row[2] == text):
            return _number(row[2]), _number(row[3]), row[0]
    if not _is_number(text):
        raise Invalid(f"unable to find user {text}: no matching entries in passwd file")
    return _number(text), 0, ""


def _group(text: str, rows: list[list[str]]) -> int:
    for row in rows:
        if row[0] == text or (_is_number(text) and row[2] == text):
            return _number(row[2])
    if not _is_number(text):
        raise Invalid(f"unable to find group {text}: no matching entries in group file")
    return _number(text)


def _is_number(text: str) -> bool:
    """Of digits as C has them: other scripts have theirs."""
    return text.isascii() and text.isdigit()


def _number(text: str) -> int:
    # By its length first: int() refuses what has thousands of digits in words of its own.
    if len(text.lstrip("0")) > len(str(_LARGEST_ID)) or int(text) > _LARGEST_ID:
        raise Invalid(f"uids and gids must be in range 0-{_LARGEST_ID}")
    return int(text)


def _rows(table: bytes, fields: int) -> list[list[str]]:
    rows = []
    for line in table.decode(errors="replace").splitlines():
        row = line.strip().split(":")
        row += [""] * (fields - len(row))
        numbers = row[2:4] if fields > 4 else row[2:3]
        if row[0] and not row[0].startswith("#") and all(map(_is_number, numbers)):
            rows.append(row)
    return rows
