"""`exec`: one more process in a living container.

It is born in the container's pid namespace and enters the others through one descriptor of
init's, so that all of them are the same process's, and of the process that state.json means.
"""

import os

from boxship.kernel import namespaces as kn
from boxship.kernel import process as kp
from boxship.kernel.cgroups import Entrance
from boxship.model.errors import BoxshipError, Conflict, Invalid, System
from boxship.runtime import seccomp, spec, state
from boxship.runtime.create import Options
from boxship.runtime.handshake import Creator
from boxship.runtime.init import NewProcess
from boxship.runtime.operations import Operation, Stage, reason
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


class Enter(Operation):
    """setns(2) into what init lives in, all at once."""

    def __init__(self, init: int, flags: int, entrance: Entrance) -> None:
        """`init` is a pidfd, `entrance` the way into its control group."""
        self.init = init
        self.flags = flags
        self.entrance = entrance

    def describe(self) -> str:
        """`enter the container`."""
        return "enter the namespaces of the container"

    def execute(self, stage: Stage) -> None:
        """The group first: the limits hold before anything of the container is near."""
        self.entrance.enter()
        kn.setns(self.init, self.flags)
        if self.flags & kn.CLONE_NEWUSER:
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        stage.root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stage.root_path = "/"


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
            self._clone(init, creator)
            creator.let_go()
            creator.hear()  # The end of the pipe: it executes.
        except BoxshipError:
            self._reap()
            raise
        finally:
            os.close(init)
            creator.close()
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

    def _clone(self, init: int, creator: Creator) -> None:
        foreign = _foreign(self.container.pid)
        new = self._new_process(init, creator, foreign & ~kn.CLONE_NEWPID)
        flags = kn.CLONE_PARENT if self.options.parent else 0
        back = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if foreign & kn.CLONE_NEWPID:
                kn.setns(init, kn.CLONE_NEWPID)
            self.pid = kp.clone(flags, new.live, group=new.entrance.born)
            kn.setns(back, kn.CLONE_NEWPID)
        except OSError as error:
            raise System(f"enter the pid namespace of the container: {reason(error)}") from error
        finally:
            os.close(back)
            os.close(new.stage.own_fds)
            new.close()

    def _new_process(self, init: int, creator: Creator, flags: int) -> NewProcess:
        options, process = self.options, self.process
        stage = Stage(self.container.bundle)
        stage.console = options.console
        # Of the child's own numbers in our procfs, which outlives the change of roots.
        stage.own_fds = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        new = NewProcess(process, creator.channel, stage)
        new.hidden = True
        if self.container.group is not None:
            new.entrance = self.container.group.entrance()
        new.preserve = options.preserve_fds
        new.pdeathsig = options.pdeathsig
        new.keep = {init, stage.own_fds, *(options.stdio or ())}
        new.keep |= {options.console} if options.console is not None else set()
        new.before = lambda: _own(stage)
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
            *_before(process),
            Enter(init, flags, new.entrance),
            *_after(process),
            *([terminal] if process.get("terminal") else []),
            *plan_process(process, seccomp=filter_),
        ]
        return new

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


def _own(stage: Stage) -> None:
    """Runs in the child, before it enters: /proc/self is itself by then."""
    proc = stage.own_fds
    stage.own_fds = os.open("self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
    os.close(proc)


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
