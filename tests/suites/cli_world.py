"""Two clients side by side: the docker client and ours, on the same engine."""

import contextlib
import fcntl
import hashlib
import io
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

OURS = str(Path(sys.executable).parent / "boxship")
VERSION = "28.2.2"
BUSYBOX = "/bin/busybox"
IMAGE = "cli-busybox:test"
CONTAINER = "cli-a"
START_S = 30.0


def _docker() -> str:
    """The docker client whose words we say; '' where it is another one, or none."""
    path = shutil.which("docker")
    said = subprocess.run([path, "-v"], capture_output=True, text=True).stdout if path else ""
    return path if path and f" {VERSION}," in said else ""


DOCKER = _docker()


class Client:
    """One of the two."""

    def __init__(self, program: str, address: str) -> None:
        self.program = program
        self.environment = {**os.environ, "DOCKER_HOST": address, "DOCKER_CONFIG": "/nonexistent"}
        self.environment.pop("COLUMNS", None)

    def run(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Exit code, stdout, stderr, with our name in place of docker's."""
        done = subprocess.run(
            [self.program, *words],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=60,
            check=False,
        )
        return done.returncode, _named(done.stdout), _named(done.stderr)

    def typed(self, words: list[str], script: "list[tuple[str, bytes]]") -> tuple[int, bytes]:
        """Run on a terminal: ("until", text) waits, ("send", keys) types."""
        pid, master = pty.fork()
        if pid == 0:
            os.execvpe(self.program, [self.program, *words], self.environment)
        resize(pid, master, 40, 100)
        try:
            return _played(pid, master, script)
        finally:
            os.close(master)


def resize(pid: int, master: int, rows: int, columns: int) -> None:
    """Give the terminal a size and say so."""
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.kill(pid, signal.SIGWINCH)


def _played(pid: int, master: int, script: "list[tuple[str, bytes]]") -> tuple[int, bytes]:
    output = b""
    position = 0
    for step, data in script:
        if step == "size":
            # A client that has just begun may not listen for a new size yet.
            time.sleep(0.3)
            rows, columns = (int(number) for number in data.split())
            resize(pid, master, rows, columns)
        elif step == "send":
            os.write(master, data)
        else:
            while data not in output[position:]:
                piece = _read(master, 10.0)
                assert piece, f"no {data!r} in {output!r}"
                output += piece
            position = output.index(data, position) + len(data)
    while piece := _read(master, 10.0):
        output += piece
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), output


def _read(master: int, timeout: float) -> bytes:
    assert select.select([master], [], [], timeout)[0], "the client neither prints nor ends"
    try:
        return os.read(master, 65536)
    except OSError:
        return b""


def _named(text: bytes) -> str:
    return text.decode(errors="replace").replace("boxship", "docker")


def busybox_archive(note: str = "") -> bytes:
    """A root file system with busybox under all its names; `note` makes it another one."""
    out = io.BytesIO()
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, check=True).stdout.decode()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for directory in ("bin", "etc", "tmp"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            archive.addfile(info)
        archive.add(BUSYBOX, "bin/busybox")
        mark = tarfile.TarInfo("etc/note")
        mark.size = len(note)
        archive.addfile(mark, io.BytesIO(note.encode()))
        for name in names.split():
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
    return out.getvalue()


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """The address of an engine: one that is named in the environment, else one of our own."""
    named = os.environ.get("BOXSHIP_INTEROP_HOST")
    if named:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="boxship-cli-"))
    address = f"unix://{folder}/docker.sock"
    words = ["daemon", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/run"]
    words += ["--pidfile", f"{folder}/pid", "--host", address]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen([OURS, *words], stdout=log, stderr=log)
    try:
        _wait_for(folder / "docker.sock", daemon, folder / "log")
        yield address
    finally:
        # A test that failed may leave containers, and those would outlive the engine.
        ours = Client(OURS, address)
        if ids := ours.run("ps", "-aq")[1].split():
            ours.run("rm", "-f", *ids)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(START_S)
        _remove_rest(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)


def _remove_rest(data_root: Path) -> None:
    """What an engine leaves for the containers that outlive it."""
    digest = hashlib.sha256(os.path.realpath(data_root).encode()).hexdigest()[:6]
    instance = f"boxship-{digest}"
    for words in (["ip", "link", "del", instance], ["nft", "delete", "table", "ip", instance]):
        subprocess.run(words, capture_output=True, check=False)
    for group in Path("/sys/fs/cgroup").glob(f"**/{instance}"):
        with contextlib.suppress(OSError):
            group.rmdir()


def _wait_for(path: Path, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not path.exists():
        assert daemon.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


@contextlib.contextmanager
def world(address: str) -> Iterator[tuple[Client, Client]]:
    """Both clients, an image, and a container that runs."""
    docker, ours = Client(DOCKER, address), Client(OURS, address)
    code, _, problem = ours.run("import", "-c", 'CMD ["sh"]', "-", IMAGE, stdin=busybox_archive())
    assert code == 0, problem
    script = "echo out; echo err >&2; exec sleep 1000"
    # The volume's own name would differ from run to run.
    words = ["-v", "cli-vol:/y", "--label", "a=b", "-p", "127.0.0.1::80"]
    code, _, problem = ours.run("run", "-d", "--name", CONTAINER, *words, IMAGE, "sh", "-c", script)
    try:
        assert code == 0, problem
        yield docker, ours
    finally:
        ours.run("rm", "-f", CONTAINER)
        ours.run("volume", "rm", "-f", "cli-vol")
        ours.run("rmi", "-f", IMAGE)
