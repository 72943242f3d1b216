"""The compiled filter, run by a small interpreter of classic BPF."""

import errno
import struct
from typing import Any

import pytest

from boxship.kernel import seccomp_filter
from boxship.kernel.seccomp_filter import X32_BIT, assemble, compile_filter

X86_64, I386 = 0xC000003E, 0x40000003
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def run(code: bytes, arch: int, number: int, *arguments: int) -> int:
    """The action for one system call; 'behind' is where the stub hands on to the filter."""
    values = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<iIQ6Q", number - (1 << 32 if number >> 31 else 0), arch, 0, *values)
    accumulator, at, scratch = 0, 0, [0] * 16
    while at < len(code) // 8:
        operation, jt, jf, k = struct.unpack_from("<HBBI", code, at * 8)
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif operation == 0x54:
            accumulator &= k
        elif operation == 0x02:
            scratch[k] = accumulator
        elif operation == 0x60:
            accumulator = scratch[k]
        elif operation == 0x05:
            at += k
        elif operation == 0x06:
            return k
        else:
            test = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k}
            at += jt if test[operation] else jf
    return -1


DEFAULT: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "syscalls": [
        {
            "names": ["read", "write", "close_range", "a_call_of_the_future"],
            "action": "SCMP_ACT_ALLOW",
        },
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
        {
            "names": ["personality"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}],
        },
    ],
}


def test_calls_are_answered_as_the_section_says() -> None:
    code = compile_filter(DEFAULT)
    assert run(code, X86_64, 0) == ALLOW
    assert run(code, X86_64, 83) == ERRNO | 28
    assert run(code, X86_64, 57) == ERRNO | errno.EPERM
    assert run(code, X86_64, 135, 8) == ALLOW
    assert run(code, X86_64, 135, 9) == ERRNO | errno.EPERM


def test_what_is_newer_than_the_section_does_not_exist() -> None:
    code = compile_filter(DEFAULT)
    for arch in (X86_64, I386):
        assert run(code, arch, 436) == ALLOW
        assert run(code, arch, 437) == ERRNO | errno.ENOSYS
        assert run(code, arch, 9999) == ERRNO | errno.ENOSYS
    assert run(code, X86_64, X32_BIT | 9999) == ERRNO | errno.ENOSYS


def test_a_foreign_architecture_is_left_to_the_filter() -> None:
    code = compile_filter({**DEFAULT, "architectures": ["SCMP_ARCH_X86_64"]})
    assert run(code, 0xC00000B7, 0) == 0


def test_a_section_that_allows_by_default_needs_no_stub() -> None:
    section = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": DEFAULT["syscalls"][1:2]}
    code = compile_filter(section)
    assert run(code, X86_64, 9999) == ALLOW
    assert run(code, X86_64, 83) == ERRNO | 28


@pytest.mark.parametrize(
    "highest",
    [
        {"SCMP_ARCH_X86_64": 10},
        {"SCMP_ARCH_X32": 10},
        {"SCMP_ARCH_X86_64": 10, "SCMP_ARCH_X32": 10, "SCMP_ARCH_X86": 10, "SCMP_ARCH_AARCH64": 10},
    ],
)
def test_the_stub_hands_on_what_it_does_not_answer(highest: dict[str, int]) -> None:
    stub = assemble(highest)
    enosys = ERRNO | errno.ENOSYS
    for name, (arch, bit) in {
        "SCMP_ARCH_X86_64": (X86_64, 0),
        "SCMP_ARCH_X32": (X86_64, X32_BIT),
        "SCMP_ARCH_X86": (I386, 0),
        "SCMP_ARCH_AARCH64": (0xC00000B7, 0),
    }.items():
        assert run(stub, arch, bit | 10) == -1
        assert run(stub, arch, bit | 11) == (enosys if name in highest else -1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"defaultAction": "SCMP_ACT_X"}, "unknown seccomp action"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}, "takes no errnoRet"),
        ({"architectures": ["SCMP_ARCH_Z80"]}, "unknown seccomp architecture"),
        (
            {
                "syscalls": [
                    {
                        "names": ["read"],
                        "action": "SCMP_ACT_ALLOW",
                        "args": [{"index": 0, "value": 1, "op": "X"}],
                    }
                ]
            },
            "unknown seccomp operator",
        ),
    ],
)
def test_what_makes_no_sense_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compile_filter({**DEFAULT, **change})


def test_two_conditions_on_one_argument_are_alternatives() -> None:
    condition = {"index": 0, "op": "SCMP_CMP_EQ"}
    section = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            {
                "names": ["personality"],
                "action": "SCMP_ACT_ALLOW",
                "args": [{**condition, "value": 0}, {**condition, "value": 8}],
            }
        ],
    }
    code = compile_filter(section)
    assert [run(code, X86_64, 135, value) == ALLOW for value in (0, 8, 9)] == [True, True, False]


def test_the_actions_are_the_kernel_s() -> None:
    assert seccomp_filter.action("SCMP_ACT_ERRNO", None) == ERRNO | errno.EPERM
    assert seccomp_filter.action("SCMP_ACT_KILL_PROCESS", None) == 0x80000000
    assert seccomp_filter.action("SCMP_ACT_TRACE", 7) == 0x7FF00007
