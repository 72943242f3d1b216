"""The mounts of config.json as operations.  Each is made detached, then attached by descriptor.

A mount that is detached is seen by nobody: its options are all set before it has a place, and
its place is found once, inside the root, and never named again.
"""

import errno
import os
import stat

from boxship.kernel import filesystems as fs
from boxship.kernel import mounts as km
from boxship.kernel.filesystems import Attributes, mount_setattr
from boxship.model.errors import Invalid, Unsupported
from boxship.runtime import inside, mount_options
from boxship.runtime.mount_options import Options
from boxship.runtime.operations import Operation, Stage, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_AT_FDCWD = -100

# What may be mounted inside /proc: files that describe the system, as lxcfs replaces them.
_PROC_FILES = (
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
    "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
)  # fmt: skip


class Target:
    """Where a mount goes: held by descriptor, and known by its real name inside the root."""

    def __init__(self, stage: Stage, destination: str, *, directory: bool) -> None:
        """Find or make `destination`."""
        make = inside.make_directory if directory else inside.make_file
        self.fd = make(stage.root, destination)
        where = os.readlink(str(self.fd), dir_fd=stage.own_fds)
        self.path = where.removeprefix(stage.root_path.rstrip("/")) or "/"

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def refuse_proc(self, *, is_procfs: bool = False) -> None:
        """Nothing hides or replaces what is in /proc: the runtime writes there (CVE-2019-16884)."""
        on_proc = fs.filesystem_magic(self.fd) == fs.PROC_MAGIC
        if self.path == "/proc" and is_procfs:
            return
        if self.path != "/proc" and not on_proc and not self.path.startswith("/proc/"):
            return
        if self.path in _PROC_FILES:
            return
        raise Invalid(f"{self.path!r} cannot be mounted because it is inside /proc")

    def attach(self, tree: int) -> None:
        """Put a detached mount here."""
        km.move_mount(tree, self.fd)


def propagate(tree: int, options: Options) -> None:
    """Propagation, in the order of the words; `r` ones for the whole tree."""
    for flag, recursive in options.propagations:
        mount_setattr(tree, Attributes(propagation=flag), recursive=recursive)


class MountFilesystem(Operation):
    """A new instance of a file system: proc, tmpfs, mqueue, devpts, sysfs ..."""

    def __init__(self, kind: str, source: str, destination: str, options: Options) -> None:
        """Read-only is left for later where things are still to be put into it."""
        self.kind = kind
        self.source = source or kind
        self.destination = destination
        self.options = options

    def describe(self) -> str:
        """`mount tmpfs on /dev`."""
        return f"mount {self.kind} on {self.destination}"

    def execute(self, stage: Stage) -> None:
        """Make it, fill it, attach it."""
        with Target(stage, self.destination, directory=True) as target:
            target.refuse_proc(is_procfs=self.kind == "proc")
            if self.kind in ("proc", "sysfs") and target.path != os.path.normpath(self.destination):
                # The image has a link there: masks and checks would look at another place.
                raise Invalid(f"{self.kind} must be mounted on an ordinary directory")
            tree = self._make(stage)
            try:
                if self.options.copy_up:
                    copy_up(target.fd, tree)
                target.attach(tree)
                propagate(tree, self.options)
            finally:
                os.close(tree)

    def _make(self, stage: Stage) -> int:
        context = km.fsopen(self.kind)
        try:
            km.fsconfig_string(context, "source", self.source)
            self._configure(context)
            km.fsconfig_create(context)
            return km.fsmount(context, self.options.attributes.set)
        except OSError as error:
            complaint = fs.fsopen_complaint(context)
            if error.errno in (errno.EPERM, errno.EBUSY) and self.kind in ("mqueue", "sysfs"):
                return self._bound(stage, error)
            if complaint:
                raise OSError(error.errno, f"{complaint} ({reason(error)})") from error
            raise
        finally:
            os.close(context)

    def _configure(self, context: int) -> None:
        for word in self.options.super:
            fs.fsconfig_flag(context, word)
        for word in self.options.data:
            key, equals, value = word.partition("=")
            if equals:
                km.fsconfig_string(context, key, value)
            else:
                fs.fsconfig_flag(context, key)

    def _bound(self, stage: Stage, error: OSError) -> int:
        """Without the namespace it belongs to, sysfs or mqueue is the host's, bound."""
        host = {"sysfs": "/sys", "mqueue": "/dev/mqueue"}[self.kind]
        flags = km.OPEN_TREE_CLONE | km.OPEN_TREE_CLOEXEC | km.AT_RECURSIVE
        try:
            tree = km.open_tree(_AT_FDCWD, host, flags)
        except OSError:
            raise error from None
        mount_setattr(tree, self.options.attributes, recursive=True)
        return tree


def copy_up(source: int, tree: int) -> None:
    """tmpcopyup: what the directory held is in the tmpfs that covers it."""
    source = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=source)
    tree = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=tree)
    try:
        for name in os.listdir(source):
            _copy(source, tree, name)
    finally:
        os.close(source)
        os.close(tree)


def _copy(source: int, tree: int, name: str) -> None:
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=tree)
    elif stat.S_ISDIR(status.st_mode):
        os.mkdir(name, dir_fd=tree)
        _copy_directory(source, tree, name)
    elif stat.S_ISREG(status.st_mode):
        _copy_file(source, tree, name)
    else:
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=tree)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=tree, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, mode, dir_fd=tree)


def _copy_directory(source: int, tree: int, name: str) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    below = os.open(name, flags, dir_fd=source)
    try:
        copy = os.open(name, flags, dir_fd=tree)
        try:
            for child in os.listdir(below):
                _copy(below, copy, child)
        finally:
            os.close(copy)
    finally:
        os.close(below)


def _copy_file(source: int, tree: int, name: str) -> None:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    reading = os.open(name, os.O_RDONLY | flags, dir_fd=source)
    try:
        writing = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600, dir_fd=tree)
        try:
            while os.sendfile(writing, reading, None, 1 << 20):
                pass
        finally:
            os.close(writing)
    finally:
        os.close(reading)


class Bind(Operation):
    """A file or directory of the host, or what the bundle names, at a place in the container."""

    def __init__(self, source: str, destination: str, options: Options) -> None:
        """A relative source is the bundle's."""
        self.source = source
        self.destination = destination
        self.options = options

    def describe(self) -> str:
        """`bind /data on /mnt`."""
        return f"bind {self.source} on {self.destination}"

    def execute(self, stage: Stage) -> None:
        """Clone the tree, set its options, attach it."""
        source = os.path.join(stage.bundle, self.source)
        flags = km.OPEN_TREE_CLONE | km.OPEN_TREE_CLOEXEC
        flags |= km.AT_RECURSIVE if self.options.recursive_bind else 0
        tree = km.open_tree(_AT_FDCWD, source, flags)
        try:
            directory = stat.S_ISDIR(os.fstat(tree).st_mode)
            with Target(stage, self.destination, directory=directory) as target:
                target.refuse_proc(is_procfs=fs.filesystem_magic(tree) == fs.PROC_MAGIC)
                self._set_options(tree)
                target.attach(tree)
        finally:
            os.close(tree)

    def _set_options(self, tree: int) -> None:
        options = self.options
        if options.recursive:
            mount_setattr(tree, options.recursive, recursive=True)
        if options.attributes:
            mount_setattr(tree, options.attributes)
        propagate(tree, options)


class Remount(Operation):
    """New options for a mount that is there already."""

    def __init__(self, destination: str, attributes: Attributes) -> None:
        """Only the attributes of the mount; the file system keeps its own."""
        self.destination = destination
        self.attributes = attributes

    def describe(self) -> str:
        """`remount /dev read-only`."""
        how = " read-only" if self.attributes.set & fs.MOUNT_ATTR_RDONLY else ""
        return f"remount {self.destination}{how}"

    def execute(self, stage: Stage) -> None:
        """By descriptor."""
        fd = inside.opened(stage.root, self.destination)
        try:
            mount_setattr(fd, self.attributes)
        finally:
            os.close(fd)


def plan_mounts(
    mounts: "list[dict[str, Any]]", cgroup: "Callable[[str, Options], Operation]"
) -> tuple[list[Operation], list[Operation]]:
    """(the mounts in order, what makes some of them read-only at last).

    tmpfs and /dev become read-only last: later mounts and devices still need places in them.
    `cgroup(destination, options)` makes the operation for a cgroup mount.
    """
    plan: list[Operation] = []
    last: list[Operation] = []
    for mount in mounts:
        options = mount_options.parse(mount.get("options") or [])
        destination = "/" + mount["destination"].lstrip("/")
        kind = mount.get("type") or ""
        if options.idmap or mount.get("uidMappings") or mount.get("gidMappings"):
            raise Unsupported(f"the mount on {destination} asks for mapped ids: not supported")
        if options.remount:
            plan.append(Remount(destination, options.attributes))
        elif options.bind or kind == "bind":
            plan.append(Bind(mount.get("source", ""), destination, options))
        elif kind in ("cgroup", "cgroup2"):
            plan.append(cgroup(destination, options))
        else:
            late = kind == "tmpfs" or os.path.normpath(destination) == "/dev"
            if late and options.read_only:
                last.append(Remount(destination, Attributes(fs.MOUNT_ATTR_RDONLY)))
                options.attributes.set &= ~fs.MOUNT_ATTR_RDONLY
            plan.append(MountFilesystem(kind, mount.get("source", ""), destination, options))
    return plan, last
