"""A layer's tar becomes a directory: the border where hostile archives end.

Every entry is placed by the descriptor of its parent directory, found with openat2(2) and
RESOLVE_IN_ROOT: a link inside of the layer is followed as a process in the container would follow
it, never out of the layer's directory.  The last part of a name is only ever created, never
followed.  Whiteouts become what overlayfs knows (image-spec layer.md, "Representing Changes").

Names are not trusted to be unique, in order, or possible; the error says which entry it was.
"""

import errno
import os
import stat
from collections.abc import Callable

from boxship.kernel import files
from boxship.model.errors import BoxshipError, Invalid, System
from boxship.storage import attributes, trees
from boxship.storage import limits as bounds
from boxship.storage.tarstream import TarStream
from boxship.storage.view import View
from boxship.wire import tar

WHITEOUT = b".wh."
META = b".wh..wh."
OPAQUE = b".wh..wh..opq"

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_CACHED = 256
_MAX_LINKS = 1000
_PIECE = 2048  # openat2 takes paths of less than 4,096 bytes


class Unpacker:
    """Puts the entries of one archive below one directory."""

    def __init__(
        self,
        root_fd: int,
        *,
        below: View | None = None,
        limits: bounds.Limits = bounds.DEFAULT,
    ) -> None:
        """Unpack into `root_fd`; `below` shows what the layers beneath have, for parents."""
        self.size = 0
        self._root = root_fd
        self._below = below
        self._limits = limits
        self._parents: dict[bytes, int] = {b"": root_fd}
        self._times: dict[bytes, int] = {}
        self._followed = 0

    def unpack(self, archive: TarStream) -> None:
        """Take all entries of `archive`, then read it to its end."""
        count = 0
        name = b""
        try:
            while (header := archive.entry()) is not None:
                name = header.name
                count += 1
                if count > self._limits.entries:
                    raise Invalid(f"more than {self._limits.entries} entries are not taken")
                self._take(header, archive)
            name = b""
            archive.drain()
            self._set_directory_times()
        except (OSError, ValueError, OverflowError, BoxshipError) as error:
            raise _explained(error, name) from error
        finally:
            self._forget()

    def _take(self, header: tar.Header, archive: TarStream) -> None:
        path = self._clean(header.name)
        if not path:
            self._set_root(header)
            return
        directory, _, base = path.rpartition(b"/")
        parent = self._parents.get(directory)
        if parent is None:
            parent = self._open(directory)
        if base.startswith(WHITEOUT):
            self._white_out(parent, base)
            return
        kind = header.kind
        if kind in tar.REGULAR or kind == tar.GNU_SPARSE:
            self._make_file(parent, base, header, archive)
        else:
            make = self._MAKERS.get(kind)
            if make is None:
                raise Invalid(f"unhandled tar header type {kind[0]}")
            make(self, parent, base, header)

    def _clean(self, name: bytes) -> bytes:
        """`name` relative to the root, without `.` and `..`; refused if it leads out."""
        if len(name) > self._limits.name:
            raise Invalid(f"a name of {len(name)} bytes is too long")
        name = name.rstrip(b"/") if name.endswith(b"/") else name
        if name[:1] not in {b".", b"/", b""} and b"/." not in name and b"//" not in name:
            return name
        parts: list[bytes] = []
        for part in name.split(b"/"):
            if part == b"..":
                if not parts:
                    raise Invalid("it is outside of the layer")
                parts.pop()
            elif part not in {b"", b"."}:
                parts.append(part)
        return b"/".join(parts)

    # -- parents ---------------------------------------------------------------------------------

    def _open(self, directory: bytes) -> int:
        """The descriptor of `directory`, which is made if it is missing."""
        try:
            fd = self._resolve(directory)
        except FileNotFoundError:
            fd = self._make_parents(directory)
        self._remember(directory, fd)
        return fd

    def _resolve(self, directory: bytes) -> int:
        if len(directory) < _PIECE:
            return files.open_in_root(self._root, directory, _OPEN_DIRECTORY)
        return self._resolve_long(directory)

    def _resolve_long(self, directory: bytes) -> int:
        """Piece by piece; links are not followed then, for a piece is not the root of anything."""
        fd = os.dup(self._root)
        while directory:
            cut = directory.rfind(b"/", 0, _PIECE) if len(directory) >= _PIECE else len(directory)
            piece, directory = directory[:cut], directory[cut + 1 :]
            try:
                below = files.openat2(
                    fd, piece, _OPEN_DIRECTORY,
                    resolve=files.RESOLVE_BENEATH | files.RESOLVE_NO_SYMLINKS,
                )  # fmt: skip
            finally:
                os.close(fd)
            fd = below
        return fd

    def _make_parents(self, directory: bytes) -> int:
        """Make what is missing of `directory`, with the attributes that it has below this layer."""
        done = 0
        fd = os.dup(self._root)
        while done < len(directory):
            end = directory.find(b"/", done + 1)
            end = len(directory) if end < 0 else end
            prefix, name = directory[:end], directory[done:end].lstrip(b"/")
            try:
                below = self._resolve(prefix)
            except FileNotFoundError:
                self._make_parent(fd, prefix, name)
                below = self._resolve(prefix)
            finally:
                os.close(fd)
            fd, done = below, end
        return fd

    def _make_parent(self, fd: int, path: bytes, name: bytes) -> None:
        known = self._below.lookup(path) if self._below else None
        if known is not None and known.link is not None:
            self._follow(known.link, fd, path, name)
        elif known is not None and known.is_directory:
            known.make_directory(fd, name)
            self._times[path] = known.status.st_mtime_ns
        else:
            os.mkdir(name, dir_fd=fd)
            os.chmod(name, 0o755, dir_fd=fd)

    def _follow(self, link: bytes, fd: int, path: bytes, name: bytes) -> None:
        """A link of a layer below: it is taken over, and what it leads to is made."""
        self._followed += 1
        if self._followed > _MAX_LINKS:
            raise OSError(errno.ELOOP, "too many links")
        os.symlink(link, name, dir_fd=fd)
        base = b"" if link.startswith(b"/") else path.rpartition(b"/")[0]
        os.close(self._make_parents(_inside(base + b"/" + link)))

    def _remember(self, directory: bytes, fd: int) -> None:
        if len(self._parents) >= _CACHED:
            self._forget()
        self._parents[directory] = fd

    def _forget(self) -> None:
        """Close the cached directories: some of them may be other ones now, or gone."""
        for directory, fd in self._parents.items():
            if directory:
                os.close(fd)
        self._parents = {b"": self._root}

    # -- entries ---------------------------------------------------------------------------------

    def _make_file(self, parent: int, base: bytes, header: tar.Header, archive: TarStream) -> None:
        try:
            fd = os.open(base, _CREATE, 0o600, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(parent, base, header)
            fd = os.open(base, _CREATE, 0o600, dir_fd=parent)
        try:
            if header.sparse is None:
                if header.data:
                    archive.copy(fd, header.data)
            else:
                _write_sparse(fd, header, archive)
            os.fchown(fd, header.uid, header.gid)
            if header.xattrs:
                attributes.set_xattrs(fd, header)
            os.fchmod(fd, header.mode)
            os.utime(fd, ns=(header.mtime_ns, header.mtime_ns))
        finally:
            os.close(fd)
        self.size += header.size
        if self.size > self._limits.size:
            raise Invalid(f"more than {self._limits.size} bytes are not taken")

    def _make_directory(self, parent: int, base: bytes, header: tar.Header) -> None:
        try:
            os.mkdir(base, 0o700, dir_fd=parent)
        except FileExistsError:
            status = os.lstat(base, dir_fd=parent)
            if not stat.S_ISDIR(status.st_mode):
                hidden = attributes.is_whiteout(status)
                parent = self._clear(parent, base, header)
                os.mkdir(base, 0o700, dir_fd=parent)
                if hidden:
                    os.setxattr(
                        attributes.at(parent, base),
                        attributes.OPAQUE_XATTR,
                        b"y",
                        follow_symlinks=False,
                    )
        attributes.set_attributes(parent, base, header)
        os.chmod(base, header.mode, dir_fd=parent)
        path = self._clean(header.name)
        self._times[path] = header.mtime_ns
        if len(self._times) > self._limits.directories:
            raise Invalid(f"more than {self._limits.directories} directories are not taken")

    def _make_symlink(self, parent: int, base: bytes, header: tar.Header) -> None:
        try:
            os.symlink(header.link, base, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(parent, base, header)
            os.symlink(header.link, base, dir_fd=parent)
        attributes.set_attributes(parent, base, header)
        attributes.set_time(parent, base, header.mtime_ns)

    def _make_hard_link(self, parent: int, base: bytes, header: tar.Header) -> None:
        try:
            target = self._clean(header.link)
        except Invalid:
            raise Invalid(f"hard link to {_shown(header.link)}: outside of the layer") from None
        if target == self._clean(header.name):
            return
        directory, _, name = target.rpartition(b"/")
        if directory in self._parents:
            source = self._parents[directory]
            self._link(source, name, parent, base, header)
            return
        source = self._resolve(directory)
        try:
            self._link(source, name, parent, base, header)
        finally:
            os.close(source)

    def _link(self, source: int, name: bytes, parent: int, base: bytes, header: tar.Header) -> None:
        try:
            os.link(name, base, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            if os.path.samestat(os.lstat(name, dir_fd=source), os.lstat(base, dir_fd=parent)):
                return
            source = os.dup(source)
            try:
                parent = self._clear(parent, base, header)
                os.link(name, base, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
            finally:
                os.close(source)

    def _make_node(self, parent: int, base: bytes, header: tar.Header) -> None:
        kind = {tar.CHARACTER: stat.S_IFCHR, tar.BLOCK_DEVICE: stat.S_IFBLK}.get(
            header.kind, stat.S_IFIFO
        )
        if header.major >= 1 << 32 or header.minor >= 1 << 32:
            raise Invalid("archive/tar: invalid tar header")
        device = os.makedev(header.major, header.minor) if kind != stat.S_IFIFO else 0
        try:
            os.mknod(base, kind | 0o600, device, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(parent, base, header)
            os.mknod(base, kind | 0o600, device, dir_fd=parent)
        attributes.set_attributes(parent, base, header)
        os.chmod(base, header.mode, dir_fd=parent)
        attributes.set_time(parent, base, header.mtime_ns)

    _MAKERS: dict[bytes, Callable[["Unpacker", int, bytes, tar.Header], None]] = {  # noqa: RUF012
        tar.DIRECTORY: _make_directory,
        tar.SYMLINK: _make_symlink,
        tar.HARD_LINK: _make_hard_link,
        tar.CHARACTER: _make_node,
        tar.BLOCK_DEVICE: _make_node,
        tar.FIFO: _make_node,
    }

    def _white_out(self, parent: int, base: bytes) -> None:
        if base == OPAQUE:
            os.setxattr(parent, attributes.OPAQUE_XATTR, b"y")
            return
        hidden = base[len(WHITEOUT) :]
        if base.startswith(META):
            return  # housekeeping of aufs
        if hidden in {b"", b".", b".."}:
            raise Invalid("a whiteout of nothing")
        try:
            os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=parent)
        except FileExistsError:
            # It hides what lies below, never what this layer itself has.
            if stat.S_ISDIR(os.lstat(hidden, dir_fd=parent).st_mode):
                os.setxattr(
                    attributes.at(parent, hidden),
                    attributes.OPAQUE_XATTR,
                    b"y",
                    follow_symlinks=False,
                )

    def _clear(self, parent: int, base: bytes, header: tar.Header) -> int:
        """Make room for an entry that comes again; the parent's descriptor, opened anew."""
        trees.remove_at(parent, base)
        path = self._clean(header.name)
        self._times = {
            known: time
            for known, time in self._times.items()
            if known != path and not known.startswith(path + b"/")
        }
        self._forget()
        directory = path.rpartition(b"/")[0]
        return self._parents.get(directory) or self._open(directory)

    def _set_root(self, header: tar.Header) -> None:
        if header.kind != tar.DIRECTORY:
            raise Invalid("the root of a layer must be a directory")
        os.fchown(self._root, header.uid, header.gid)
        attributes.set_xattrs(self._root, header)
        os.fchmod(self._root, header.mode)
        self._times[b""] = header.mtime_ns

    def _set_directory_times(self) -> None:
        """At the end, for each entry that is made in a directory changes its time."""
        for path, time in list(self._times.items()):
            if not path:
                os.utime(self._root, ns=(time, time))
                continue
            directory, _, base = path.rpartition(b"/")
            parent = self._parents.get(directory)
            if parent is None:
                parent = self._open(directory)
            attributes.set_time(parent, base, time)


def _inside(path: bytes) -> bytes:
    """`path` as a process whose root this is reads it, as far as text goes."""
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            parts = parts[:-1]
        elif part not in {b"", b"."}:
            parts.append(part)
    return b"/".join(parts)


def _explained(error: Exception, name: bytes) -> BoxshipError:
    where = f"entry {_shown(name)}: " if name else ""
    if isinstance(error, BoxshipError):
        return type(error)(where + error.message, hint=error.hint)
    if isinstance(error, OSError):
        why = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return System(where + why.lower(), hint="free some space below the data root")
        if error.errno == errno.EIO:
            return System(where + why)
        return Invalid(where + why)
    return Invalid(where + str(error))


def _shown(name: bytes) -> str:
    text = os.fsdecode(name[:200]).encode("utf-8", "backslashreplace").decode()
    return f'"{text}{"..." if len(name) > 200 else ""}"'


def _write_sparse(fd: int, header: tar.Header, archive: TarStream) -> None:
    for offset, length in header.sparse or ():
        os.lseek(fd, offset, os.SEEK_SET)
        archive.copy(fd, length)
    os.ftruncate(fd, header.size)
