"""`create`: a container whose init waits for `start`.

check the bundle, plan                     nothing has changed yet
state.json without a process               from here on `delete --force` can clean up
control group, limits
clone init; it carries its plan out        see handshake.py, then init.py
state.json with the process
"""

import os
import time

from boxship.kernel import cgroups
from boxship.kernel import namespaces as kn
from boxship.kernel import process as kp
from boxship.kernel.ignoring import ignoring
from boxship.model.errors import BoxshipError, Conflict, Invalid, System
from boxship.runtime import hooks, host, seccomp, spec, state
from boxship.runtime.handshake import CLAIMED, GO, HOOKS, MAPPED, READY, Channel, Creator
from boxship.runtime.init import NewProcess
from boxship.runtime.namespaces import CreatorStays, join, join_all, paths_of
from boxship.runtime.operations import Stage, reason
from boxship.runtime.plan import Init, plan_init

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Options:
    """How a process is made: init by `create`, another by `exec`."""

    def __init__(
        self,
        stdio: tuple[int, int, int] | None = None,
        console: int | None = None,
        *,
        parent: bool = True,
        pdeathsig: bool = False,
    ) -> None:
        """`parent`: the process becomes the child of the caller's parent (CLONE_PARENT)."""
        self.stdio = stdio
        self.console = console
        self.parent = parent
        self.pdeathsig = pdeathsig
        self.preserve_fds = 0
        self.keyring = True
        self.pivot = True


def create(  # noqa: PLR0913  the seam to the shim
    container_id: str,
    bundle: str,
    root: str,
    *,
    stdio: tuple[int, int, int] | None = None,
    console: int | None = None,
    parent: bool = True,
    pdeathsig: bool = False,
) -> int:
    """Make the container of a bundle; the pid of its init, which waits at exec.fifo.

    `console` is a connected AF_UNIX socket that gets the terminal's master.  One thread only.
    """
    options = Options(stdio, console, parent=parent, pdeathsig=pdeathsig)
    return Creation(container_id, spec.load(bundle), root, options).run()


class Creation:
    """One `create`: all of it, or nothing."""

    def __init__(self, container_id: str, bundle: spec.Bundle, root: str, options: Options) -> None:
        """Decide everything that can be decided without changing anything."""
        spec.check_id(container_id)
        if bundle.process.get("terminal") and options.console is None:
            raise Invalid("cannot allocate tty: a terminal needs a console socket")
        if options.console is not None and not bundle.process.get("terminal"):
            raise Invalid("a console socket needs process.terminal to be true")
        if not os.path.isdir(bundle.rootfs):
            raise Invalid(f"invalid rootfs: {bundle.rootfs} is not a directory")
        host.check_sysctls(bundle.linux.get("sysctl") or {}, bundle.namespaces)
        self.id = container_id
        self.bundle = bundle
        self.options = options
        self.root = os.path.realpath(root)
        self.directory = f"{self.root}/{container_id}"
        self.group = cgroups.find(bundle.linux.get("cgroupsPath") or "", container_id)
        self.created = state.timestamp(time.time_ns())
        self.pid = 0

    def run(self) -> int:
        """The pid of init; on any error everything is undone."""
        self._claim()
        try:
            self._save()
            with spec.well_formed("config.json"):
                self._limit()
                self._make_init()
            self._save()
        except BaseException:
            self._undo()
            raise
        return self.pid

    def become(self, channel: Channel) -> None:
        """Make the container around this process, its init; become.py says which process that is.

        Does not return but by an error, which leaves what was made to the one who hears CLAIMED.
        """
        self._claim()
        channel.say(CLAIMED)
        # The creator's /proc still: it has the number that the creator knows this process by.
        self.pid = int(os.readlink("/proc/self"))
        new = self.ready(channel)
        fds = self.bundle.namespaces.open_paths()
        new.keep |= set(fds.values())
        new.before = lambda: join_all(fds)
        new.live()

    def ready(self, channel: Channel) -> NewProcess:
        """State, limits and plan: all of `become` that is not yet for good."""
        with spec.well_formed("config.json"):
            self._save()
            self._limit()
            return self._new_process(channel)

    def _claim(self) -> None:
        os.makedirs(self.root, mode=0o700, exist_ok=True)
        try:
            os.mkdir(self.directory, 0o711)
        except FileExistsError:
            raise Conflict(f"container with id exists: {self.id}") from None
        try:
            self._check_group()
        except BaseException:
            os.rmdir(self.directory)
            raise

    def _check_group(self) -> None:
        """Limits and the end of a container reach all of its group: nobody else may be there."""
        others = self.group.pids() if self.group.exists() else []
        if others:
            raise Conflict(
                f"container's cgroup is not empty: {len(others)} process(es) found",
                hint=f"choose another cgroupsPath than {self.group.main}",
            )

    def document(self, status: str) -> "dict[str, Any]":
        """The container's state as hooks are told it."""
        fields = {**self._fields(), "config": self.bundle.spec}
        return state.State(self.directory, fields).document(status)

    def _fields(self) -> "dict[str, Any]":
        start = state.process_stat(self.pid)[1] if self.pid else 0
        return {
            "id": self.id,
            "init_process_pid": self.pid,
            "init_process_start": start,
            "created": self.created,
            "bundle": self.bundle.path,
            "rootfs": self.bundle.rootfs,
            "cgroup_paths": self.group.paths,
            "namespace_paths": paths_of(self.pid) if self.pid else {},
        }

    def _save(self) -> None:
        state.save(self.directory, self._fields(), self.bundle.text)

    def _limit(self) -> None:
        try:
            self.group.create()
            self.group.apply(self.bundle.linux.get("resources") or {})
        except OSError as error:
            raise System(f"unable to apply cgroup configuration: {error.strerror}") from error

    def _make_init(self) -> None:
        creator = Creator()
        try:
            self._clone(self._new_process(creator.channel))
            creator.let_go()
            self._map_users(creator)
            self._listen(creator)
        finally:
            creator.close()

    def _new_process(self, channel: Channel) -> NewProcess:
        bundle, options = self.bundle, self.options
        stage = Stage(bundle.path)
        stage.console = options.console
        new = NewProcess(bundle.process, channel, stage)
        new.fifo = self._make_fifo()
        new.preserve = options.preserve_fds
        new.pdeathsig = options.pdeathsig
        new.mapped = "user" in bundle.namespaces.new
        new.hidden = "pid" in bundle.namespaces.join
        new.hooks = (bundle.spec.get("hooks"), self.document("created"))
        new.keep = {new.fifo, *(options.stdio or ())}
        new.keep |= {options.console} if options.console is not None else set()
        init = Init(bundle, self.group, channel)
        init.entrance = self.group.entrance()
        new.entrance = init.entrance
        init.streams = options.stdio
        init.state = self.document("creating")
        init.keyring = f"_ses.{self.id}" if options.keyring else ""
        init.pivot = options.pivot
        init.seccomp = seccomp.prepare(
            bundle.linux.get("seccomp"), f"{self.root}/seccomp", init.state
        )
        new.seccomp = init.seccomp
        new.late = bool(bundle.process.get("noNewPrivileges"))
        new.plan = plan_init(init)
        return new

    def _make_fifo(self) -> int:
        path = f"{self.directory}/{state.FIFO}"
        os.mkfifo(path, 0o622)
        os.chmod(path, 0o622)  # whoever init will be, it must open it for writing
        return os.open(path, os.O_PATH | os.O_CLOEXEC)

    def _clone(self, new: NewProcess) -> None:
        spaces = self.bundle.namespaces
        fds = spaces.open_paths()
        new.keep |= set(fds.values())
        flags = spaces.clone_flags | (kn.CLONE_PARENT if self.options.parent else 0)

        def enter() -> None:
            if "cgroup" in fds:
                join("cgroup", fds["cgroup"])

        new.before = enter
        try:
            with CreatorStays(fds, new_time="time" in spaces.new):
                self._offset_clocks()
                if "user" in fds:
                    self.pid = _clone_in_user_namespace(fds["user"], flags, new)
                else:
                    self.pid = kp.clone(flags, new.live, group=new.entrance.born)
        except OSError as error:
            raise System(f"unable to make the namespaces of init: {reason(error)}") from error
        finally:
            new.close()
            for fd in fds.values():
                os.close(fd)

    def _offset_clocks(self) -> None:
        offsets = self.bundle.linux.get("timeOffsets") or {}
        lines = (
            f"{clock} {o.get('secs', 0)} {o.get('nanosecs', 0)}" for clock, o in offsets.items()
        )
        if offsets:
            cgroups.write("/proc/self/timens_offsets", "\n".join(lines))

    def _map_users(self, creator: Creator) -> None:
        if "user" not in self.bundle.namespaces.new:
            return
        for file, key in (("uid_map", "uidMappings"), ("gid_map", "gidMappings")):
            entries = self.bundle.linux.get(key) or ()
            lines = [f"{e['containerID']} {e['hostID']} {e['size']}\n" for e in entries]
            try:
                cgroups.write(f"/proc/{self.pid}/{file}", "".join(lines))
            except OSError as error:
                raise System(f"map the ids of the user namespace: {error.strerror}") from error
        creator.tell(MAPPED)

    def _listen(self, creator: Creator) -> None:
        word = creator.hear()
        if word == HOOKS:
            for when in ("prestart", "createRuntime"):
                hooks.run(self.bundle.spec.get("hooks"), when, self.document("creating"))
            creator.tell(GO)
            word = creator.hear()
        if word != READY:
            raise System("the container's init was killed before it was ready")

    def _undo(self) -> None:
        """What an error leaves behind is what `delete --force` removes, and that does it."""
        from boxship.runtime.delete import destroy

        if self.pid:
            with ignoring(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, 9)
                if not self.options.parent:
                    os.waitpid(self.pid, 0)
        # The first error is the one to tell.
        with ignoring(OSError, BoxshipError):
            fields = {**self._fields(), "config": self.bundle.spec}
            destroy(state.State(self.directory, fields))


def _clone_in_user_namespace(userns: int, flags: int, new: NewProcess) -> int:
    """Born of a process inside the user namespace, which then owns the other new ones.

    That process is a sibling of init, which the same parent reaps; it ends at once.
    """
    reading, writing = os.pipe()
    new.keep |= {writing}

    def between() -> None:
        join("user", userns)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        pid = kp.clone(flags | kn.CLONE_PARENT, new.live)
        os.write(writing, str(pid).encode())

    # In the group before it enters: root of the user namespace has no right to the group.
    middle = kp.clone(flags & kn.CLONE_PARENT, between, group=new.entrance.born)
    os.close(writing)
    try:
        said = os.read(reading, 32)
    finally:
        os.close(reading)
        if not flags & kn.CLONE_PARENT:
            os.waitpid(middle, 0)
    if not said:
        raise System("unable to make init in the user namespace")
    return int(said)
