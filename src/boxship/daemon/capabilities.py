"""Which capabilities a container has: Docker's list, tweaked by --cap-add and --cap-drop."""

from __future__ import annotations

from boxship.model.errors import Invalid

ALL = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
]
KNOWN = tuple(f"CAP_{name}" for name in ALL)  # in the order of their numbers
DEFAULT = tuple(
    f"CAP_{name}"
    for name in [
        "CHOWN",
        "DAC_OVERRIDE",
        "FSETID",
        "FOWNER",
        "MKNOD",
        "NET_RAW",
        "SETGID",
        "SETUID",
        "SETFCAP",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "SYS_CHROOT",
        "KILL",
        "AUDIT_WRITE",
    ]
)


def normalized(names: list[str] | None, field: str) -> list[str]:
    """CAP_NET_ADMIN for net_admin; `ALL` stays; Invalid for an unknown one."""
    done = []
    for name in names or []:
        full = name.upper()
        if full != "ALL" and not full.startswith("CAP_"):
            full = f"CAP_{full}"
        if full == "CAP_ALL":
            full = "ALL"
        if full != "ALL" and full not in KNOWN:
            raise Invalid(f'invalid {field}: unknown capability: "{full}"')
        done.append(full)
    return done


def tweaked(
    add: list[str], drop: list[str], *, privileged: bool, supported: list[str]
) -> list[str]:
    """The capabilities of a container; `supported` are those of this kernel and this daemon."""
    if privileged:
        return supported
    if "ALL" in drop:
        return [c for c in supported if "ALL" in add] or [c for c in add if c != "ALL"]
    if "ALL" in add:
        return [c for c in supported if c not in drop]
    kept = [c for c in DEFAULT if c not in drop]
    return kept + [c for c in add if c not in kept]


def supported(last: int, bounding: int) -> list[str]:
    """The capabilities that exist up to number `last` and are in the mask `bounding`."""
    return [name for n, name in enumerate(KNOWN[: last + 1]) if bounding >> n & 1]
