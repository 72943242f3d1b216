"""A bundle on the host's busybox, and the runtime's library driven as the shim drives it."""

import json
import os
import shutil
import uuid
from typing import Any

from boxship.runtime.create import create
from boxship.runtime.delete import delete
from boxship.runtime.execute import execute
from boxship.runtime.start import start
from boxship.runtime.state import State, load
from suites import cgroup_parents

PARENT = f"/boxship-test-{os.getpid()}"
CAPABILITIES = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
]  # fmt: skip
_SAFE = ["nosuid", "noexec", "nodev"]
_PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"


def spec(*args: str) -> dict[str, Any]:
    """As Docker's defaults, but for seccomp and the network."""
    devices = [{"allow": False, "access": "rwm"}]
    return {
        "ociVersion": "1.2.1",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": list(args),
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), CAPABILITIES),
        },
        "root": {"path": "rootfs"},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": _SAFE},
            {
                "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
            },
            {
                "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
            },
            {
                "destination": "/sys", "type": "sysfs", "source": "sysfs",
                "options": [*_SAFE, "ro"],
            },
        ],
        "linux": {
            "cgroupsPath": f"{PARENT}/{uuid.uuid4().hex[:12]}",
            "namespaces": [
                {"type": kind} for kind in ("pid", "network", "mount", "ipc", "uts", "cgroup")
            ],
            "resources": {"devices": devices},
            "maskedPaths": ["/proc/kcore", "/proc/acpi", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys"],
        },
    }  # fmt: skip


class Box:
    """One container of a test: its bundle, its state, what it printed."""

    def __init__(self, directory: str) -> None:
        self.bundle = f"{directory}/bundle"
        self.rootfs = f"{self.bundle}/rootfs"
        self.root = f"{directory}/state"
        self.id = f"box-{uuid.uuid4().hex[:8]}"
        self.pid = 0
        self._output = os.open(f"{directory}/output", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        self._null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        os.makedirs(f"{self.rootfs}/bin")
        os.makedirs(f"{self.rootfs}/etc")
        os.makedirs(f"{self.rootfs}/tmp")
        shutil.copy("/bin/busybox", f"{self.rootfs}/bin/busybox")
        for name in ("sh", "cat", "ls", "id", "true", "sleep", "mount", "grep", "echo", "stty"):
            os.symlink("busybox", f"{self.rootfs}/bin/{name}")
        self.write("etc/passwd", _PASSWD)

    @property
    def stdio(self) -> tuple[int, int, int]:
        return self._null, self._output, self._output

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """A file of the image."""
        data = content.encode() if isinstance(content, str) else content
        with open(f"{self.rootfs}/{path}", "wb") as file:
            file.write(data)
        os.chmod(f"{self.rootfs}/{path}", mode)

    def configure(self, document: dict[str, Any]) -> None:
        with open(f"{self.bundle}/config.json", "w") as file:
            json.dump(document, file)

    def create(self, document: dict[str, Any]) -> State:
        self.configure(document)
        self.pid = create(self.id, self.bundle, self.root, stdio=self.stdio, parent=False)
        return load(self.id, self.root)

    def start(self) -> None:
        start(self.id, self.root)

    def wait(self) -> int:
        """Its exit status, as a shell has it."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = 0
        return code if code >= 0 else 128 - code

    def run(self, document: dict[str, Any]) -> tuple[int, str]:
        """Create, start, wait: (exit status, output)."""
        self.create(document)
        self.start()
        status = self.wait()
        said = self.output()
        delete(self.id, self.root)
        return status, said

    def sh(self, script: str, **process: object) -> tuple[int, str]:
        """`run` of a shell script."""
        document = spec("sh", "-c", script)
        document["process"] |= process
        return self.run(document)

    def exec(self, *args: str, **process: object) -> tuple[int, str]:
        """(exit status, output) of one more process."""
        before = len(self.output())
        whole = {"args": list(args), "cwd": "/", "env": ["PATH=/bin"], **process}
        pid = execute(self.id, self.root, whole, stdio=self.stdio, parent=False)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code >= 0 else 128 - code, self.output()[before:]

    def output(self) -> str:
        size = os.fstat(self._output).st_size
        return os.pread(self._output, size, 0).decode(errors="replace")

    def remove(self) -> None:
        delete(self.id, self.root, force=True)
        if self.pid:
            os.waitpid(self.pid, 0)
        os.close(self._output)
        os.close(self._null)
        cgroup_parents.forget(PARENT)
