"""The seccomp section of config.json -> a BPF program, by libseccomp (seccomp_rule_add(3)).

libseccomp knows the system calls of its day.  A program that asks for a newer one must hear
ENOSYS, so that it falls back, and not the profile's EPERM: a stub in front of the filter answers
so for every number above the highest that the profile speaks of, as runc does.
"""

import ctypes
import errno
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
ACTIONS = list(_ACTIONS)
_WITH_ERRNO = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_COMPARE = {
    "SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5, "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7,
}  # fmt: skip
OPERATORS = list(_COMPARE)
_FLTATR_ACT_BADARCH, _FLTATR_CTL_NNP, _FLTATR_CTL_OPTIMIZE = 2, 3, 8
_NATIVE = 0

# AUDIT_ARCH of <linux/audit.h>, of the architectures whose stub we write.
_AUDIT_ARCH = {
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X32": 0xC000003E,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_RISCV64": 0xC00000F3,
    "SCMP_ARCH_S390X": 0x80000016,
    "SCMP_ARCH_PPC64LE": 0xC0000015,
    "SCMP_ARCH_LOONGARCH64": 0xC0000102,
}
ARCHITECTURES = list(_AUDIT_ARCH)
_MACHINES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
X32_BIT = 0x40000000
STUB_VERSION = 1

_RET_ENOSYS = 0x00050000 | errno.ENOSYS
_LD_W_ABS, _JEQ, _JGT, _JGE, _RET, _JA = 0x20, 0x15, 0x25, 0x35, 0x06, 0x05


class _Compare(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    pointer, word = ctypes.c_void_p, ctypes.c_uint32
    library.seccomp_init.restype = pointer
    library.seccomp_init.argtypes = (word,)
    library.seccomp_release.argtypes = (pointer,)
    library.seccomp_arch_add.argtypes = (pointer, word)
    library.seccomp_arch_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_arch_resolve_name.restype = word
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_syscall_resolve_name_arch.argtypes = (word, ctypes.c_char_p)
    library.seccomp_attr_set.argtypes = (pointer, ctypes.c_int, word)
    library.seccomp_rule_add_array.argtypes = (
        pointer, word, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Compare),
    )  # fmt: skip
    library.seccomp_export_bpf.argtypes = (pointer, ctypes.c_int)
    return library


def action(name: str, errno_ret: int | None) -> int:
    """The action as the kernel's return value; ValueError if there is none of that name."""
    if name not in _ACTIONS:
        raise ValueError(f"unknown seccomp action {name!r}")
    value = _ACTIONS[name]
    if name in _WITH_ERRNO:
        return value | (errno.EPERM if errno_ret is None else errno_ret)
    if errno_ret is not None:
        raise ValueError(f"seccomp action {name} takes no errnoRet")
    return value


def compile_filter(section: "dict[str, Any]") -> bytes:
    """The program for a seccomp section, stub included."""
    library = _library()
    default = action(section["defaultAction"], section.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    if not context:
        raise OSError(errno.ENOMEM, "seccomp_init failed")
    try:
        _add_architectures(library, context, section.get("architectures") or ())
        library.seccomp_attr_set(context, _FLTATR_CTL_NNP, 0)
        library.seccomp_attr_set(context, _FLTATR_CTL_OPTIMIZE, 2)
        for rule in section.get("syscalls") or ():
            _add_rule(library, context, rule, default)
        code = _export(library, context)
    finally:
        library.seccomp_release(context)
    return stub(library, section, default) + code


def _add_architectures(library: ctypes.CDLL, context: int, names: "list[str] | tuple[()]") -> None:
    for name in names:
        token = _architecture(library, name)
        done = library.seccomp_arch_add(context, token)
        if done not in (0, -errno.EEXIST):
            raise OSError(-done, f"seccomp: add architecture {name}: {os.strerror(-done)}")


def _architecture(library: ctypes.CDLL, name: str) -> int:
    token = int(library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode()))
    if not token:
        raise ValueError(f"unknown seccomp architecture {name!r}")
    return token


def _add_rule(library: ctypes.CDLL, context: int, rule: "dict[str, Any]", default: int) -> None:
    wanted = action(rule["action"], rule.get("errnoRet"))
    if wanted == default:
        return  # libseccomp refuses a rule that says what the default says.
    groups = argument_groups(rule.get("args") or [])
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            continue  # Newer than libseccomp: the stub or the default answers.
        for group in groups:
            array = (_Compare * max(len(group), 1))(*group)
            done = library.seccomp_rule_add_array(context, wanted, number, len(group), array)
            if done not in (0, -errno.EEXIST, -errno.EDOM):
                raise OSError(-done, f"seccomp: rule for {name}: {os.strerror(-done)}")


def argument_groups(arguments: "list[dict[str, Any]]") -> list[list[_Compare]]:
    """Conditions of one rule.  Two on the same argument are alternatives, as runc reads them."""
    conditions = [_condition(argument) for argument in arguments]
    indexes = [condition.arg for condition in conditions]
    if len(set(indexes)) < len(indexes):
        return [[condition] for condition in conditions]
    return [conditions]


def _condition(argument: "dict[str, Any]") -> _Compare:
    if argument["op"] not in _COMPARE:
        raise ValueError(f"unknown seccomp operator {argument['op']!r}")
    compare = _COMPARE[argument["op"]]
    value, second = argument["value"], argument.get("valueTwo") or 0
    return _Compare(argument["index"], compare, value, second)


def _export(library: ctypes.CDLL, context: int) -> bytes:
    fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        done = library.seccomp_export_bpf(context, fd)
        if done:
            raise OSError(-done, f"seccomp_export_bpf: {os.strerror(-done)}")
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


def stub(library: ctypes.CDLL, section: "dict[str, Any]", default: int) -> bytes:
    """Instructions before the filter: ENOSYS above the highest number that is spoken of."""
    if default in (_ACTIONS["SCMP_ACT_ALLOW"], _ACTIONS["SCMP_ACT_LOG"], _RET_ENOSYS):
        return b""
    native = _MACHINES.get(os.uname().machine, "")  # seccomp_init(3) adds it by itself
    names = dict.fromkeys([native, *(section.get("architectures") or ())])
    highest = {name: _highest(library, name, section) for name in names if name in _AUDIT_ARCH}
    return assemble({name: number for name, number in highest.items() if number > 0})


def _highest(library: ctypes.CDLL, architecture: str, section: "dict[str, Any]") -> int:
    token = _architecture(library, architecture)
    numbers = (
        library.seccomp_syscall_resolve_name_arch(token, name.encode())
        for rule in section.get("syscalls") or ()
        for name in rule["names"]
    )
    return int(max((number for number in numbers), default=-1))


def _instruction(code: int, jt: int, jf: int, k: int) -> bytes:
    return struct.pack("=HBBI", code, jt, jf, k)


def assemble(highest: dict[str, int]) -> bytes:
    """The stub for {architecture: highest known number}.

    Each architecture is a section: not this one, go to the next; above the highest, ENOSYS; else
    jump to the filter behind the stub.  x86_64 and x32 share an audit number: bit 30 parts them.
    """
    by_audit: dict[int, dict[str, int]] = {}
    for name, number in highest.items():
        by_audit.setdefault(_AUDIT_ARCH[name], {})[name] = number
    sections = [_section(audit, names) for audit, names in by_audit.items()]
    if not sections:
        return b""
    body = b""
    for section in reversed(sections):
        behind = len(body) // 8
        body = section + _instruction(_JA, 0, 0, behind) + body
    return _instruction(_LD_W_ABS, 0, 0, 4) + body


def _section(audit: int, names: dict[str, int]) -> bytes:
    """The last instruction, the jump to the filter, is added by `assemble`."""
    ret = _instruction(_RET, 0, 0, _RET_ENOSYS)
    x32 = names.get("SCMP_ARCH_X32")
    plain = [number for name, number in names.items() if name != "SCMP_ARCH_X32"]
    ordinary = [_instruction(_JGT, 0, 1, max(plain)), ret] if plain else []
    tests = list(ordinary)
    if x32 is not None:  # Not x32: skip its test and its answer.  Known: skip the ordinary test.
        tests = [
            _instruction(_JGE, 0, 2, X32_BIT),
            _instruction(_JGT, 0, 1 + len(ordinary), x32 | X32_BIT),
            ret,
            *ordinary,
        ]
    elif audit == _AUDIT_ARCH["SCMP_ARCH_X86_64"]:  # x32 is not spoken of: the filter decides.
        tests = [_instruction(_JGE, len(ordinary), 0, X32_BIT), *ordinary]
    body = [_instruction(_LD_W_ABS, 0, 0, 0), *tests]
    # Not this architecture: the accumulator still holds it, so jump over the load as well.
    return b"".join([_instruction(_JEQ, 0, len(body) + 1, audit), *body])
