"""Base images out of what this host has: no registry is needed for a first run.

busybox   one static program and its names; the same bytes give the same image
debian    debootstrap's smallest variant, of the release that runs here
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from boxship.images.image import Image
from boxship.images.importing import Request, import_
from boxship.images.progress import Progress, status
from boxship.model.errors import Invalid, System, Unavailable
from boxship.storage.pack import Pieces, pack
from boxship.wire import tar

if TYPE_CHECKING:
    from boxship.images.images import Images

_PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")
_FOLDERS = (
    *(("bin", 0o755), ("dev", 0o755), ("etc", 0o755), ("home", 0o755), ("proc", 0o555)),
    *(("root", 0o700), ("run", 0o755), ("sys", 0o555), ("tmp", 0o1777), ("usr", 0o755)),
    *(("var", 0o755), ("var/spool", 0o755), ("var/tmp", 0o1777), ("var/www", 0o755)),
)
_FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\n"
        "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
        "www-data:x:33:33:www-data:/var/www:/bin/false\n"
        "nobody:x:65534:65534:nobody:/home:/bin/false\n"
    ),
    "etc/group": (
        "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n"
    ),
    "etc/shadow": "root:*:::::::\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_ETC_LINKS = {"usr/bin": "../bin", "usr/sbin": "../bin", "sbin": "bin"}
_DEBOOTSTRAP_S = 3600
# Packages and lists that apt got, logs of the installation, device nodes: not the folders of them.
_LEFT_OUT = (
    *((b"var/cache/apt/archives/", b".deb"), (b"var/cache/apt/", b"pkgcache.bin")),
    *((b"var/lib/apt/lists/", b"_Packages"), (b"var/lib/apt/lists/", b"Release")),
    *((b"var/lib/apt/lists/", b"Release.gpg"), (b"var/cache/apt/", b"srcpkgcache.bin")),
    *((b"var/log/", b".log"), (b"dev/", b"")),
)


def bootstrap(images: "Images", kind: str, reference: str, progress: Progress) -> Image:
    """Make the image `kind` and call it `reference`."""
    if kind == "busybox":
        return _bootstrap_busybox(images, reference)
    if kind == "debian":
        return _bootstrap_debian(images, reference, progress)
    raise Invalid(f'no base image "{kind}" can be made here', hint="use busybox or debian")


def _bootstrap_busybox(images: "Images", reference: str) -> Image:
    program = _find_busybox()
    # The program's own time: the same package makes the same image.
    time_ns = int(os.stat(program).st_mtime) * 1_000_000_000
    request = Request(
        reference,
        changes=[_PATH, 'CMD ["sh"]'],
        message=f"Bootstrapped from {program} of this host",
        created_ns=time_ns,
    )
    return import_(images, Pieces(busybox_tar(program, _applets(program), time_ns)), request)


def _find_busybox() -> str:
    for path in _BUSYBOX:
        if os.access(path, os.X_OK) and not _is_dynamic(path):
            return os.path.realpath(path)
    raise Unavailable("there is no static busybox here", hint="apt-get install busybox-static")


def _is_dynamic(path: str) -> bool:
    """Whether an ELF file names an interpreter, the way the dynamic linker is found."""
    with open(path, "rb") as file:
        return b"/ld-linux" in file.read(4096) or b"/ld-musl" in file.read(0)


def _applets(program: str) -> list[str]:
    done = subprocess.run(
        [program, "--list"], capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode:
        raise System(f"{program} --list: exit status {done.returncode}")
    return sorted({name for name in done.stdout.split() if name.isascii() and "/" not in name})


def busybox_tar(program: str, applets: list[str], time_ns: int) -> Iterator[bytes]:
    """The archive: folders, the program, its names as hard links, and the files in etc."""
    for path, mode in _FOLDERS:
        yield _entry(path + "/", tar.DIRECTORY, mode, time_ns)
    with open(program, "rb") as file:
        data = file.read()
    yield _entry("bin/busybox", b"0", 0o755, time_ns, size=len(data))
    yield data + bytes(-len(data) % tar.BLOCK)
    for name in applets:
        if name != "busybox":
            yield _entry(f"bin/{name}", tar.HARD_LINK, 0o755, time_ns, link="bin/busybox")
    for path, target in _ETC_LINKS.items():
        yield _entry(path, tar.SYMLINK, 0o777, time_ns, link=target)
    for path, text in _FILES.items():
        body = text.encode()
        mode = 0o640 if path.endswith("shadow") else 0o644
        yield _entry(path, b"0", mode, time_ns, size=len(body)) + body
        yield bytes(-len(body) % tar.BLOCK)
    yield tar.END


def _entry(
    path: str, kind: bytes, mode: int, time_ns: int, *, size: int = 0, link: str = ""
) -> bytes:
    header = tar.Header(path.encode(), kind, size)
    header.mode, header.mtime_ns, header.link = mode, time_ns, link.encode()
    return tar.build(header)


def _bootstrap_debian(images: "Images", reference: str, progress: Progress) -> Image:
    program = shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        raise Unavailable("debootstrap is not here", hint="apt-get install debootstrap")
    suite, mirror = _release(), _mirror()
    progress(status(f"Bootstrapping {suite} from {mirror}"))
    with tempfile.TemporaryDirectory(dir=images.spool, prefix="debian-") as folder:
        _run_debootstrap([program, "--variant=minbase", suite, folder, mirror])
        progress(status("Making the image"))
        request = Request(
            reference,
            changes=[_PATH, 'CMD ["bash"]'],
            message=f"Bootstrapped: Debian {suite}, minbase",
        )
        return import_(images, Pieces(pack(folder, _wanted)), request)


def _wanted(path: bytes) -> bool:
    """Leave out what only this run left behind; the folders themselves stay."""
    return not any(path.startswith(folder) and path.endswith(end) for folder, end in _LEFT_OUT)


def _run_debootstrap(command: list[str]) -> None:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_DEBOOTSTRAP_S, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise System(f"debootstrap took more than {_DEBOOTSTRAP_S} seconds") from error
    if done.returncode:
        lines = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"exit status {done.returncode}"
        raise System(f"debootstrap: {why}", hint="is the Debian mirror of this host reachable?")


def _release() -> str:
    with open("/etc/os-release") as file:
        known = dict(line.strip().split("=", 1) for line in file if "=" in line)
    if known.get("ID", "").strip('"') == "debian" and known.get("VERSION_CODENAME"):
        return known["VERSION_CODENAME"].strip('"')
    return "stable"


def _mirror() -> str:
    """The first mirror that this host itself uses."""
    for path in _source_lists():
        with open(path) as file:
            for line in file:
                found = _mirror_of(line.split())
                if found:
                    return found
    return "http://deb.debian.org/debian"


def _source_lists() -> list[str]:
    folder = "/etc/apt/sources.list.d"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = ["/etc/apt/sources.list", *(os.path.join(folder, name) for name in names)]
    return [path for path in paths if os.path.isfile(path)]


def _mirror_of(words: list[str]) -> str:
    if len(words) >= 2 and words[0] == "URIs:":
        return words[1]
    if len(words) >= 3 and words[0] == "deb":
        return next((word for word in words[1:] if "://" in word), "")
    return ""
