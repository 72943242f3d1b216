"""`exec`: one more process in a living container.

caller                         usher                          process
fork, unless it may be it ──▶  enters all namespaces
                               clone ───────────────────────▶ born in all of them
                               ends                           enters the group, becomes the user,
                                                              executes

What the container sees is born inside.  The usher is in no pid namespace of the container's: a
container with CAP_SYS_PTRACE would reach the host through the root or a directory that a process
has which is on its way in (CVE-2016-9962).  All namespaces are entered through one descriptor of
init's, so that they are the same process's, and of the process that state.json means.
"""

import os

from boxship.kernel import filesystems as fs
from boxship.kernel import mounts as km
from boxship.kernel import namespaces as kn
from boxship.kernel import process as kp
from boxship.kernel.cgroups import Entrance
from boxship.kernel.ignoring import ignoring
from boxship.model.errors import BoxshipError, Conflict, Invalid, System
from boxship.runtime import seccomp, spec, state
from boxship.runtime.create import Options
from boxship.runtime.handshake import Creator
from boxship.runtime.init import NewProcess
from boxship.runtime.operations import Operation, Stage, carry_out, import_no_more, reason
from boxship.runtime.process import NewSession, ResetSignals, SetOomScore, SetStreams, plan_process
from boxship.runtime.scheduling import SetAffinity
from boxship.runtime.terminal import OpenTerminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS = {
    "mnt": kn.CLONE_NEWNS, "pid": kn.CLONE_NEWPID, "net": kn.CLONE_NEWNET,
    "ipc": kn.CLONE_NEWIPC, "uts": kn.CLONE_NEWUTS, "user": kn.CLONE_NEWUSER,
    "cgroup": kn.CLONE_NEWCGROUP, "time": kn.CLONE_NEWTIME,
}  # fmt: skip
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def execute(  # noqa: PLR0913  the seam to the shim
    container_id: str,
    root: str,
    process: "dict[str, Any]",
    *,
    stdio: tuple[int, int, int] | None = None,
    console: int | None = None,
    parent: bool = True,
    pdeathsig: bool = False,
) -> int:
    """Run `process` (an OCI process) in the container; its pid, once it is executing."""
    options = Options(stdio, console, parent=parent, pdeathsig=pdeathsig)
    return execute_with(state.load(container_id, root), process, options)


def execute_with(
    container: state.State, process: "dict[str, Any]", options: Options, *, paused: bool = False
) -> int:
    """As `execute`; `paused`: also into a frozen container, where it runs once that is thawed."""
    status = container.status()
    if status in ("stopped", "creating"):
        raise Conflict(f"cannot exec in a {status} container")
    if status == "paused" and not paused:
        raise Conflict(
            "cannot exec in a paused container", hint="resume it, or use --ignore-paused"
        )
    process = inherit(process, container.spec.get("process") or {})
    with spec.well_formed("the process"):
        spec.check_process(process)
    if not process:
        raise Invalid("process property must not be empty")
    if bool(process.get("terminal")) != (options.console is not None):
        raise Invalid("a terminal and a console socket need each other")
    with spec.well_formed("the process"):
        return _Entry(container, process, options).run()


def inherit(process: "dict[str, Any]", init: "dict[str, Any]") -> "dict[str, Any]":
    """What `process` does not say is as for init."""
    keys = ("capabilities", "rlimits", "noNewPrivileges", "oomScoreAdj", "apparmorProfile")
    return {**{key: init[key] for key in keys if key in init}, **process} if process else {}


class EnterGroup(Operation):
    """The container's control group, and the cgroup namespace whose root that is."""

    def __init__(self, entrance: Entrance, namespace: int) -> None:
        """`entrance` is the way in; `namespace` a descriptor, or -1 where there is none to join."""
        self.entrance = entrance
        self.namespace = namespace

    def describe(self) -> str:
        """`enter the control group of the container`."""
        return "enter the control group of the container"

    def execute(self, stage: Stage) -> None:
        """The limits hold before anything of the container is near."""
        del stage
        self.entrance.enter()
        if self.namespace >= 0:
            kn.setns(self.namespace, kn.CLONE_NEWCGROUP)


class _Entry:
    def __init__(self, container: state.State, process: "dict[str, Any]", options: Options) -> None:
        self.container = container
        self.process = process
        self.options = options
        self.pid = 0

    def run(self) -> int:
        init = self._open_init()
        creator = Creator()
        try:
            self._make(init, creator)
            creator.let_go()
            creator.hear()  # The end of the pipe: it executes.
        except BoxshipError:
            self._reap()
            raise
        finally:
            os.close(init)
            creator.close()
        if not self.pid:
            raise System("the runtime was killed while it entered the container")
        return self.pid

    def _open_init(self) -> int:
        try:
            init = os.pidfd_open(self.container.pid)
        except OSError:
            raise Conflict("cannot exec in a stopped container") from None
        if not self.container.is_alive():
            os.close(init)
            raise Conflict("cannot exec in a stopped container")
        return init

    def _make(self, init: int, creator: Creator) -> None:
        foreign = _foreign(self.container.pid)
        cgroup = self._cgroup_namespace() if foreign & kn.CLONE_NEWCGROUP else -1
        new = self._new_process(creator, cgroup)
        send = self._usher if self.options.parent else self._send_usher  # see the head
        try:
            self.pid = send(init, foreign & ~kn.CLONE_NEWCGROUP, new)
        finally:
            new.close()
            if cgroup >= 0:
                os.close(cgroup)

    def _send_usher(self, init: int, flags: int, new: NewProcess) -> int:
        reading, writing = os.pipe()

        def live() -> None:
            try:
                kp.close_all_but(new.needs() | {init, writing})
                os.write(writing, str(self._usher(init, flags, new)).encode())
            except BaseException as error:  # noqa: BLE001  nothing may reach the caller's frames
                new.channel.fail(error)

        usher = kp.clone(0, live, group=new.entrance.born)
        os.close(writing)
        try:
            return int(os.read(reading, 32) or 0)
        finally:
            os.close(reading)
            os.waitpid(usher, 0)

    def _usher(self, init: int, flags: int, new: NewProcess) -> int:
        """Enter, and leave a child there; whoever did this is of no use for anything else."""
        kp.prctl(kp.PR_SET_DUMPABLE, 0)
        stage = Stage(self.container.bundle)
        stage.own_fds = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            carry_out(_before(self.process), stage)
        finally:
            os.close(stage.own_fds)
        import_no_more()
        try:
            kn.setns(init, flags)
            if flags & kn.CLONE_NEWUSER:
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
            group = new.entrance.born if self.options.parent else -1
            return kp.clone(kn.CLONE_PARENT, new.live, group=group)
        except OSError as error:
            raise System(f"enter the namespaces of the container: {reason(error)}") from error

    def _new_process(self, creator: Creator, cgroup: int) -> NewProcess:
        options, process = self.options, self.process
        stage = Stage(self.container.bundle)
        stage.console = options.console
        new = NewProcess(process, creator.channel, stage)
        new.hidden = True
        if self.container.group is not None:
            new.entrance = self.container.group.entrance()
        new.preserve = options.preserve_fds
        new.pdeathsig = options.pdeathsig
        new.keep = {cgroup, options.console, *(options.stdio or ())} - {None, -1}
        new.before = lambda: _look_around(stage, creator.channel.writing)
        filter_ = seccomp.prepare(
            (self.container.spec.get("linux") or {}).get("seccomp"),
            f"{os.path.dirname(self.container.directory)}/seccomp",
            self.container.document("running"),
        )
        new.seccomp = filter_
        new.late = bool(process.get("noNewPrivileges"))
        terminal = OpenTerminal(process.get("consoleSize"), mount=False)
        new.plan = [
            ResetSignals(),
            NewSession(f"_ses.{self.container.id}" if options.keyring else ""),
            *([SetStreams(options.stdio)] if options.stdio else []),
            EnterGroup(new.entrance, cgroup),
            *_after(process),
            *([terminal] if process.get("terminal") else []),
            *plan_process(process, seccomp=filter_),
        ]
        return new

    def _cgroup_namespace(self) -> int:
        """By path, so that the process can join it on its own; init lives, so it is init's."""
        fd = os.open(f"/proc/{self.container.pid}/ns/cgroup", os.O_RDONLY | os.O_CLOEXEC)
        if not self.container.is_alive():
            os.close(fd)
            raise Conflict("cannot exec in a stopped container")
        return fd

    def _reap(self) -> None:
        if self.pid and not self.options.parent:
            os.waitpid(self.pid, 0)


def _before(process: "dict[str, Any]") -> list[Operation]:
    """In the host's procfs, and on the processors that moving is to happen on."""
    plan: list[Operation] = []
    if process.get("oomScoreAdj") is not None:
        plan.append(SetOomScore(process["oomScoreAdj"]))
    cpus = (process.get("execCPUAffinity") or {}).get("initial")
    return [*plan, SetAffinity(cpus)] if cpus else plan


def _after(process: "dict[str, Any]") -> list[Operation]:
    cpus = (process.get("execCPUAffinity") or {}).get("final")
    return [SetAffinity(cpus)] if cpus else []


def _look_around(stage: Stage, own: int) -> None:
    """Runs in the child: its root, and its descriptors in a procfs of the container."""
    stage.root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    stage.root_path = "/"
    stage.own_fds = own_descriptors(own)


def own_descriptors(own: int) -> int:
    """The directory of this process's descriptors, of which `own` is one that no other has.

    The container may have mounted something else, or another process's, where it should be.
    """
    with ignoring(OSError):
        fd = os.open("/proc/self/fd", _FOLDER)
        if fs.filesystem_magic(fd) == fs.PROC_MAGIC and _is_in(own, fd):
            return fd
        os.close(fd)
    context = km.fsopen("proc")
    km.fsconfig_create(context)
    tree = km.fsmount(context)  # stays open, or it would come apart; execve(2) closes it
    os.close(context)
    return os.open("self/fd", _FOLDER, dir_fd=tree)


def _is_in(fd: int, directory: int) -> bool:
    with ignoring(OSError):
        return os.path.samestat(os.stat(str(fd), dir_fd=directory), os.fstat(fd))
    return False


def _foreign(pid: int) -> int:
    """The flags of those namespaces of the process that are not ours."""
    flags = 0
    for name, flag in _KINDS.items():
        try:
            theirs, ours = os.stat(f"/proc/{pid}/ns/{name}"), os.stat(f"/proc/self/ns/{name}")
        except FileNotFoundError:
            continue
        if theirs.st_ino != ours.st_ino:
            flags |= flag
    return flags
