"""config.json -> the operations of an init, in their order.  Nothing is changed here.

mounts          in the container's mount namespace, below the root that is being made
hooks           in the namespaces that the spec of hooks wants
pivot_root      from here on paths are the container's
the last of it  what would have hindered the steps before: read-only, masks, the user
"""

import os

from boxship.kernel import cgroups
from boxship.kernel import namespaces as kn
from boxship.runtime import hooks, host
from boxship.runtime.cgroup_mounts import MountCgroupV1, MountCgroupV2
from boxship.runtime.devices import plan_devices
from boxship.runtime.handshake import GO, HOOKS, Channel
from boxship.runtime.mount_options import Options
from boxship.runtime.mounts import plan_mounts
from boxship.runtime.operations import Operation, Stage
from boxship.runtime.process import (
    MakeWorkingDirectory,
    NewSession,
    ResetSignals,
    SetOomScore,
    SetPersonality,
    SetStreams,
    plan_process,
)
from boxship.runtime.rootfs import (
    ChangeRoot,
    CutPropagation,
    EnterRootfs,
    MaskPath,
    PivotRoot,
    ReadonlyPath,
    ReadonlyRoot,
    SetRootPropagation,
)
from boxship.runtime.spec import Bundle
from boxship.runtime.terminal import OpenTerminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from boxship.runtime.seccomp import Loader


class EnterCgroup(Operation):
    """Into the container's group; a cgroup namespace begins there."""

    def __init__(self, entrance: cgroups.Entrance, *, namespace: bool) -> None:
        """`namespace`: a new cgroup namespace."""
        self.entrance = entrance
        self.namespace = namespace

    def describe(self) -> str:
        """`enter the control group`."""
        return "enter the control group"

    def execute(self, stage: Stage) -> None:
        """unshare(2) takes the group of this moment as the root of the namespace."""
        del stage
        self.entrance.enter()
        if self.namespace:
            kn.unshare(kn.CLONE_NEWCGROUP)


class AskForHooks(Operation):
    """prestart and createRuntime hooks run in the runtime's namespaces: the creator runs them."""

    def __init__(self, channel: Channel) -> None:
        """Where the creator listens."""
        self.channel = channel

    def describe(self) -> str:
        """`run the hooks of the runtime`."""
        return "run the hooks of the runtime"

    def execute(self, stage: Stage) -> None:
        """And wait for them."""
        del stage
        self.channel.say(HOOKS)
        self.channel.wait_for(GO)


class RunHooks(Operation):
    """createContainer hooks: paths of the host, in the container's namespaces."""

    def __init__(self, spec: "dict[str, Any]", when: str, state: "dict[str, Any]") -> None:
        """`state` as the hooks are to read it."""
        self.hooks = spec.get("hooks")
        self.when = when
        self.state = state

    def describe(self) -> str:
        """`run the createContainer hooks`."""
        return f"run the {self.when} hooks"

    def execute(self, stage: Stage) -> None:
        """In order."""
        del stage
        hooks.run(self.hooks, self.when, {**self.state, "pid": os.getpid()})


class Init:
    """What the plan needs to know beside the spec."""

    def __init__(self, bundle: Bundle, group: cgroups.Group, channel: Channel) -> None:
        """The rest is set by the creator."""
        self.bundle = bundle
        self.group = group
        self.channel = channel
        self.entrance = cgroups.Entrance()
        self.streams: tuple[int, int, int] | None = None
        self.state: dict[str, Any] = {}
        self.keyring = ""
        self.pivot = True
        self.seccomp: Loader | None = None


def plan_init(init: Init) -> list[Operation]:
    """The whole list."""
    mounts, last = _mounts(init)
    return [
        ResetSignals(),
        NewSession(init.keyring),
        *([SetStreams(init.streams)] if init.streams else []),
        *mounts,
        *_hooks(init),
        PivotRoot() if init.pivot else ChangeRoot(),
        *_container(init, last),
        *plan_process(init.bundle.process, seccomp=init.seccomp),
    ]


def _mounts(init: Init) -> tuple[list[Operation], list[Operation]]:
    bundle, linux = init.bundle, init.bundle.linux
    propagation = linux.get("rootfsPropagation") or ""
    plan: list[Operation] = [
        EnterCgroup(init.entrance, namespace="cgroup" in bundle.namespaces.new),
        CutPropagation(propagation),
        EnterRootfs(bundle.rootfs, shared=propagation.endswith("shared")),
    ]
    score = bundle.process.get("oomScoreAdj")
    if score is not None:
        plan.append(SetOomScore(score))
    if "network" in bundle.namespaces.new:
        plan.append(host.LoopbackUp())
    mounts, last = plan_mounts(bundle.spec.get("mounts") or [], _cgroup_mounts(init))
    if not _dev_is_bound(bundle.spec):
        in_userns = bundle.namespaces.is_private("user")
        mounts += plan_devices(linux.get("devices") or [], bind=in_userns)
    if bundle.process.get("cwd"):
        mounts.append(MakeWorkingDirectory(bundle.process["cwd"]))
    return [*plan, *mounts], last


def _cgroup_mounts(init: Init) -> "Callable[[str, Options], Operation]":
    namespace = init.bundle.namespaces.is_private("cgroup")
    paths = init.group.paths

    def mount(destination: str, options: Options) -> Operation:
        if set(paths) == {""}:
            return MountCgroupV2(destination, options, paths[""], namespace=namespace)
        return MountCgroupV1(destination, options, paths, namespace=namespace)

    return mount


def _dev_is_bound(spec: "dict[str, Any]") -> bool:
    """A bound /dev has the host's devices: none are made in it."""
    for mount in spec.get("mounts") or ():
        if os.path.normpath(mount["destination"]) == "/dev":
            return mount.get("type") == "bind" or bool(
                {"bind", "rbind"} & set(mount.get("options") or ())
            )
    return False


def _hooks(init: Init) -> list[Operation]:
    wanted = init.bundle.spec.get("hooks") or {}
    plan: list[Operation] = []
    if wanted.get("prestart") or wanted.get("createRuntime"):
        plan.append(AskForHooks(init.channel))
    if wanted.get("createContainer"):
        plan.append(RunHooks(init.bundle.spec, "createContainer", init.state))
    return plan


def _container(init: Init, last: list[Operation]) -> list[Operation]:
    spec, linux = init.bundle.spec, init.bundle.linux
    plan: list[Operation] = []
    if linux.get("rootfsPropagation"):
        plan.append(SetRootPropagation(linux["rootfsPropagation"]))
    if init.bundle.process.get("terminal"):
        plan.append(OpenTerminal(init.bundle.process.get("consoleSize"), mount=True))
    plan += last
    if spec["root"].get("readonly"):
        plan.append(ReadonlyRoot())
    if spec.get("hostname") or spec.get("domainname"):
        plan.append(host.SetHostname(spec.get("hostname", ""), spec.get("domainname", "")))
    # Before /proc/sys becomes read-only.
    plan += [host.SetSysctl(key, value) for key, value in (linux.get("sysctl") or {}).items()]
    plan += [ReadonlyPath(path) for path in linux.get("readonlyPaths") or ()]
    plan += [MaskPath(path) for path in linux.get("maskedPaths") or ()]
    personality = (linux.get("personality") or {}).get("domain")
    if personality:
        plan.append(SetPersonality(personality))
    return plan
