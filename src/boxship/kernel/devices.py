"""Which devices a group may use: rules of runtime-spec, reduced; the eBPF program of v2.

A list of rules is applied in order; what remains is a default and the exceptions to it, which
is what v1's devices.allow and devices.deny hold, and what the program for v2 is made from.
"""

import ctypes
import os
import struct

from boxship.kernel.libc import c_int, c_long, c_uint, checked, libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Every container may use these, whatever its rules say (runtime-spec, "Default Devices"): make
# any node; null, zero, full, random, urandom, tty, console, the pseudo terminals.
ALWAYS = (
    {"allow": True, "type": "c", "access": "m"},
    {"allow": True, "type": "b", "access": "m"},
    *(
        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
        for major, minor in ((1, 3), (1, 8), (1, 7), (5, 0), (1, 5), (1, 9), (136, -1), (5, 2))
    ),
)


class Rule:
    """One exception: `c 1:3 rwm`; -1 is every number."""

    __slots__ = ("access", "kind", "major", "minor")

    def __init__(self, kind: str, major: int, minor: int, access: frozenset[str]) -> None:
        """A rule of one kind, b or c."""
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access

    def __str__(self) -> str:
        numbers = ("*" if number < 0 else str(number) for number in (self.major, self.minor))
        return f"{self.kind} {':'.join(numbers)} {''.join(a for a in 'rwm' if a in self.access)}"

    def __repr__(self) -> str:
        return f"Rule({self})"


def _number(value: int | None) -> int:
    return -1 if value is None else value


def reduce_rules(rules: "list[dict[str, Any]]") -> tuple[bool, list[Rule]]:
    """(allowed by default, exceptions) after every rule and the devices of every container."""
    allowed = False
    exceptions: dict[tuple[str, int, int], frozenset[str]] = {}
    for rule in (*rules, *ALWAYS):
        kind = rule.get("type") or "a"
        access = frozenset(rule.get("access") or "rwm")
        if kind == "a":
            allowed, exceptions = bool(rule["allow"]), {}
            continue
        key = (kind, _number(rule.get("major")), _number(rule.get("minor")))
        had = exceptions.get(key, frozenset())
        left = had - access if bool(rule["allow"]) == allowed else had | access
        exceptions[key] = left
    return allowed, [Rule(*key, access) for key, access in exceptions.items() if access]


# Registers of the program: r1 context then scratch, r2 kind, r3 access, r4 major, r5 minor.
_LDX_W, _AND32_K, _RSH32_K, _MOV32_X, _MOV64_K = 0x61, 0x54, 0x74, 0xBC, 0xB7
_JNE_K, _JNE_X, _JEQ_K, _EXIT = 0x55, 0x5D, 0x15, 0x95
_KINDS = {"b": 1, "c": 2}
_ACCESS = {"m": 1, "r": 2, "w": 4}


def _instruction(code: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> bytes:
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def program(allowed: bool, exceptions: list[Rule]) -> bytes:
    """The program of BPF_PROG_TYPE_CGROUP_DEVICE: 1 allows, 0 refuses.

    An allowing rule must cover all that is asked; a refusing one is met by any part of it.
    """
    code = [
        _instruction(_LDX_W, 2, 1, 0), _instruction(_AND32_K, 2, imm=0xFFFF),
        _instruction(_LDX_W, 3, 1, 0), _instruction(_RSH32_K, 3, imm=16),
        _instruction(_LDX_W, 4, 1, 4), _instruction(_LDX_W, 5, 1, 8),
    ]  # fmt: skip
    for rule in reversed(exceptions):
        code += _block(rule, not allowed)
    code += [_instruction(_MOV64_K, 0, imm=int(allowed)), _instruction(_EXIT)]
    return b"".join(code)


def _block(rule: Rule, verdict: bool) -> list[bytes]:
    """Tests that jump behind the block when the rule does not speak, then its verdict."""
    access = sum(_ACCESS[letter] for letter in rule.access)
    tests: list[tuple[int, int, int, int]] = [(_JNE_K, 2, 0, _KINDS[rule.kind])]
    tests += [(_JNE_K, 4, 0, rule.major)] if rule.major >= 0 else []
    tests += [(_JNE_K, 5, 0, rule.minor)] if rule.minor >= 0 else []
    covered = (_JNE_X, 1, 3, 0) if verdict else (_JEQ_K, 1, 0, 0)
    length = len(tests) + 2 + 1 + 2
    code: list[bytes] = []
    for operation, dst, src, imm in tests:
        code.append(_instruction(operation, dst, src, length - len(code) - 1, imm))
    code += [_instruction(_MOV32_X, 1, 3), _instruction(_AND32_K, 1, imm=access)]
    operation, dst, src, imm = covered
    code.append(_instruction(operation, dst, src, 2, imm))
    return [*code, _instruction(_MOV64_K, 0, imm=int(verdict)), _instruction(_EXIT)]


_SYS_BPF = 321 if os.uname().machine == "x86_64" else 280
_PROG_LOAD, _PROG_ATTACH, _PROG_DETACH, _PROG_GET_FD_BY_ID, _PROG_QUERY = 5, 8, 9, 13, 16
_TYPE_CGROUP_DEVICE, _CGROUP_DEVICE, _ALLOW_MULTI = 15, 6, 2


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    done = libc.syscall(c_long(_SYS_BPF), c_int(command), buffer, c_uint(128))
    return checked(int(done), "bpf", command), buffer.raw


def attach(group: str, rules: "list[dict[str, Any]]") -> None:
    """Let only `rules` through in the v2 group; programs attached before are taken away after."""
    directory = os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        before = _attached(directory)
        loaded = _load(program(*reduce_rules(rules)))
        try:
            _bpf(
                _PROG_ATTACH, struct.pack("=IIII", directory, loaded, _CGROUP_DEVICE, _ALLOW_MULTI)
            )
        finally:
            os.close(loaded)
        for identity in before:
            old, _ = _bpf(_PROG_GET_FD_BY_ID, struct.pack("=I", identity))
            _bpf(_PROG_DETACH, struct.pack("=III", directory, old, _CGROUP_DEVICE))
            os.close(old)
    finally:
        os.close(directory)


def _load(code: bytes) -> int:
    instructions = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    fd, _ = _bpf(
        _PROG_LOAD,
        struct.pack(
            "=IIQQIIQII", _TYPE_CGROUP_DEVICE, len(code) // 8,
            ctypes.addressof(instructions), ctypes.addressof(licence), 0, 0, 0, 0, 0,
        ),
    )  # fmt: skip
    os.set_inheritable(fd, False)
    return fd


def _attached(directory: int) -> list[int]:
    """The ids of the device programs of the group itself."""
    found = (ctypes.c_uint32 * 64)()
    query = struct.pack("=IIIIQI", directory, _CGROUP_DEVICE, 0, 0, ctypes.addressof(found), 64)
    _, answer = _bpf(_PROG_QUERY, query)
    (count,) = struct.unpack_from("=I", answer, 24)
    return list(found[:count])
