"""The rules, and the program that the kernel is given for them, run here by a small interpreter."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.kernel.devices import ALWAYS, program, reduce_rules

Rules = list[dict[str, object]]
DENY: Rules = [{"allow": False, "access": "rwm"}]


def run(code: bytes, kind: str, major: int, minor: int, access: str) -> int:  # noqa: C901
    """What the eBPF program answers: enough of the machine for what we emit."""
    asked = sum({"m": 1, "r": 2, "w": 4}[letter] for letter in access)
    memory = struct.pack("<III", {"b": 1, "c": 2}[kind] | asked << 16, major, minor)
    register = [0] * 11
    at = 0
    while True:
        operation, registers, offset, immediate = struct.unpack_from("<BBhi", code, at * 8)
        dst, src = registers & 15, registers >> 4
        at += 1
        if operation == 0x61:
            register[dst] = struct.unpack_from("<I", memory, offset)[0]
        elif operation == 0x54:
            register[dst] &= immediate
        elif operation == 0x74:
            register[dst] >>= immediate
        elif operation == 0xBC:
            register[dst] = register[src]
        elif operation == 0xB7:
            register[dst] = immediate
        elif operation == 0x55:
            at += offset if register[dst] != immediate else 0
        elif operation == 0x5D:
            at += offset if register[dst] != register[src] else 0
        elif operation == 0x15:
            at += offset if register[dst] == immediate else 0
        else:
            assert operation == 0x95
            return register[0]


def allows(rules: Rules, kind: str, major: int, minor: int, access: str) -> bool:
    return bool(run(program(*reduce_rules(rules)), kind, major, minor, access))


def test_docker_s_rules_as_v1_writes_them() -> None:
    rules = [*DENY, {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}]
    allowed, exceptions = reduce_rules(rules)
    assert not allowed
    assert [str(rule) for rule in exceptions] == [
        "c 10:229 rw", "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:8 rwm", "c 1:7 rwm",
        "c 5:0 rwm", "c 1:5 rwm", "c 1:9 rwm", "c 136:* rwm", "c 5:2 rwm",
    ]  # fmt: skip


def test_privileged_containers_may_use_everything() -> None:
    assert reduce_rules([{"allow": True, "access": "rwm"}]) == (True, [])


def test_a_later_rule_takes_an_earlier_one_back() -> None:
    rules: Rules = [
        *DENY,
        {"allow": True, "type": "b", "major": 8, "minor": 0, "access": "rwm"},
        {"allow": False, "type": "b", "major": 8, "minor": 0, "access": "w"},
    ]
    assert allows(rules, "b", 8, 0, "r")
    assert not allows(rules, "b", 8, 0, "w")
    assert not allows(rules, "b", 8, 0, "rw")


@pytest.mark.parametrize(
    ("kind", "major", "minor", "access", "expected"),
    [
        ("c", 1, 3, "rw", True),
        ("c", 136, 77, "rw", True),
        ("c", 1, 1, "r", False),
        ("c", 1, 1, "m", True),
        ("b", 8, 0, "m", True),
        ("b", 8, 0, "rm", False),
        ("b", 1, 3, "r", False),
    ],
)
def test_every_container_has_the_default_devices(
    kind: str, major: int, minor: int, access: str, expected: bool
) -> None:
    assert allows(DENY, kind, major, minor, access) is expected


def test_exceptions_to_everything_are_met_by_any_part() -> None:
    rules: Rules = [{"allow": True}, {"allow": False, "type": "b", "major": 8, "access": "w"}]
    assert allows(rules, "b", 8, 1, "r")
    assert not allows(rules, "b", 8, 1, "rw")
    assert allows(rules, "c", 8, 1, "rw")


RULE = st.fixed_dictionaries(
    {
        "allow": st.booleans(),
        "type": st.sampled_from("bc"),
        "major": st.integers(0, 2),
        "minor": st.integers(0, 2),
        "access": st.sampled_from(["r", "w", "m", "rw", "rwm"]),
    }
)


def _bit(rule: dict[str, object], kind: str, major: int, minor: int) -> bool:
    def same(key: str, value: int) -> bool:
        return rule.get(key, -1) in (-1, value)

    return rule["type"] == kind and same("major", major) and same("minor", minor)


@given(
    st.lists(RULE, max_size=6), st.sampled_from("bc"), st.integers(0, 3), st.integers(0, 3),
    st.sampled_from("rwm"),
)  # fmt: skip
def test_program_and_rules_agree(
    rules: Rules, kind: str, major: int, minor: int, access: str
) -> None:
    """For rules about single devices the last one that speaks of it decides; then the defaults."""
    expected = False
    for rule in rules:
        if _bit(rule, kind, major, minor) and access in str(rule["access"]):
            expected = bool(rule["allow"])
    expected |= any(
        _bit(dict(rule), kind, major, minor) and access in str(rule["access"]) for rule in ALWAYS
    )
    assert allows([*DENY, *rules], kind, major, minor, access) is expected
