"""Paths inside a root that is not trusted: found, or made, and held by a descriptor.

Nothing here follows a link out of the root, and nothing is done by path afterwards: what was
found is mounted on or written through its descriptor (CVE-2019-16884, CVE-2021-30465).
"""

import errno
import os
import stat

from boxship.kernel.files import RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, open_in_root, openat2
from boxship.kernel.ignoring import ignoring

_MAX_LINKS = 255


def opened(root: int, path: str, flags: int = os.O_PATH) -> int:
    """A descriptor of an existing path, links followed inside the root."""
    return open_in_root(root, path, flags)


def make_directory(root: int, path: str, mode: int = 0o755) -> int:
    """A descriptor of the directory `path`, which is made if it is not there."""
    try:
        return opened(root, path, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        return _descend(root, without_links(root, path), mode)


def make_file(root: int, path: str, mode: int = 0o644) -> int:
    """A descriptor of the file `path`, which is made empty, with its directories, if need be."""
    with ignoring(FileNotFoundError):
        return opened(root, path)
    parts = without_links(root, path)
    parent = _descend(root, parts[:-1], 0o755)
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC
        with ignoring(FileExistsError):
            os.close(os.open(parts[-1], flags, mode, dir_fd=parent))
        return os.open(parts[-1], os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    finally:
        os.close(parent)


def parent_of(root: int, path: str) -> tuple[int, str]:
    """A descriptor of the directory that `path` is in, made if need be, and the last name."""
    parent, name = os.path.split(os.path.normpath("/" + path))
    return make_directory(root, parent), name


def _descend(root: int, parts: list[str], mode: int) -> int:
    """Walk down real directories only, making what is missing."""
    current = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    flags = os.O_PATH | os.O_DIRECTORY
    for part in parts:
        try:
            try:
                below = openat2(current, part, flags, resolve=RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)
            except FileNotFoundError:
                with ignoring(FileExistsError):
                    os.mkdir(part, mode, dir_fd=current)
                below = openat2(current, part, flags, resolve=RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)
        finally:
            os.close(current)
        current = below
    return current


def without_links(root: int, path: str) -> list[str]:
    """The names that lead to `path` with every link replaced, also where it dangles.

    A guess made of names: whoever walks it refuses links, so that a race can only fail.
    """
    todo = [part for part in path.split("/") if part not in ("", ".")]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            del done[-1:]
            continue
        target = _link_target(root, [*done, part])
        if target is None:
            done.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            done = []
        todo = [word for word in target.split("/") if word not in ("", ".")] + todo
    return done


def _link_target(root: int, parts: list[str]) -> str | None:
    try:
        fd = open_in_root(root, "/".join(parts), os.O_PATH | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            return None
        return os.readlink("", dir_fd=fd)
    finally:
        os.close(fd)
