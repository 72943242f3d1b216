import errno
import os
import struct
from pathlib import Path

import pytest

from boxship.model.errors import Forbidden, NotFound
from boxship.runtime import program


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    (tmp_path / "app").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "app").chmod(0o755)
    (tmp_path / "data").write_text("x")
    (tmp_path / "dir").mkdir()
    return tmp_path


def test_a_name_is_looked_up_in_path(bin_: Path) -> None:
    assert program.find("app", f"/nosuch:{bin_}") == f"{bin_}/app"
    assert program.find(f"{bin_}/app", None) == f"{bin_}/app"


@pytest.mark.parametrize("name", ["nosuch", "dir-not"])
def test_a_name_that_is_nowhere(bin_: Path, name: str) -> None:
    words = rf'exec: "{name}": executable file not found in \$PATH'
    with pytest.raises(NotFound, match=words):
        program.find(name, str(bin_))


def test_a_name_that_is_there_but_no_program(bin_: Path) -> None:
    for name in ("data", "dir"):
        with pytest.raises(Forbidden, match=f'exec: "{name}": permission denied'):
            program.find(name, str(bin_))


def test_a_path_is_taken_as_it_is(bin_: Path) -> None:
    with pytest.raises(NotFound, match=r"stat ./nosuch: no such file or directory"):
        program.find("./nosuch", str(bin_))
    with pytest.raises(Forbidden, match="is a directory"):
        program.find(f"{bin_}/dir", None)
    with pytest.raises(Forbidden, match="its mode is 644"):
        program.find(f"{bin_}/data", None)


def elf(machine: int, loader: str = "", wide: bool = True) -> bytes:
    """A header with one program header, which names the loader."""
    text = loader.encode() + b"\0"
    if wide:
        head = b"\x7fELF\x02\x01\x01" + bytes(9)
        head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        return head + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(text), 0, 1) + text
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return head + struct.pack("<IIIIIIII", 3, 84, 0, 0, len(text), 0, 4, 1) + text


@pytest.mark.parametrize(
    ("content", "number", "words"),
    [
        (elf(183), errno.ENOEXEC, "built for arm64, this host is amd64"),
        (elf(40, wide=False), errno.ENOEXEC, "built for arm, this host is amd64"),
        (elf(999), errno.ENOEXEC, "built for machine 999, this host is amd64"),
        (elf(62, "/lib/ld-musl-x86_64.so.1"), errno.ENOENT, "its loader /lib/ld-musl-x86_64.so.1"),
        (elf(3, "/lib/ld-linux.so.9", wide=False), errno.ENOENT, "its loader /lib/ld-linux.so.9"),
        (b"#!/nosuch/python3 -u\n", errno.ENOENT, "its interpreter /nosuch/python3 does not exist"),
        (b"#!/bin/sh\r\n", errno.ENOENT, "carriage return"),
        (b"", errno.ENOEXEC, "the file is empty"),
        (b"ls -l\n", errno.ENOEXEC, "neither a program nor a script"),
        (b"\x7fELF", errno.ENOEXEC, "neither a program nor a script"),
        (b"\x7fELF\x02" + b"\xff" * 100, errno.ENOEXEC, "built for"),
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="speaks of amd64")
def test_the_head_of_the_file_says_why(
    tmp_path: Path, content: bytes, number: int, words: str
) -> None:
    (tmp_path / "app").write_bytes(content)
    assert words in program.why_not(str(tmp_path / "app"), number)


def test_a_failed_execve_is_told_in_dockers_words(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(b"")
    refused = OSError(errno.ENOEXEC, "x")
    with pytest.raises(Forbidden) as caught:
        program.explain("app", str(tmp_path / "app"), refused)
    assert str(caught.value) == (
        'unable to start container process: exec: "app": exec format error: the file is empty'
    )


def test_why_not_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert program.why_not(str(tmp_path / "fifo"), errno.EACCES) == "it is not a regular file"
