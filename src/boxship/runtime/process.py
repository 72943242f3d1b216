"""The process of a container just before its program: user, capabilities, limits, terminal.

The same operations make init and what `exec` brings in.  Their order is runc's: what needs
privileges first; no_new_privs before the user changes; seccomp before the privileges go if it
needs them, else last of all.
"""

import os
import stat

from boxship.kernel import capabilities
from boxship.kernel import process as kp
from boxship.kernel.ignoring import ignoring
from boxship.model.errors import Forbidden, Invalid
from boxship.runtime.operations import Operation, Stage
from boxship.runtime.scheduling import plan_scheduling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from boxship.runtime.seccomp import Loader


_APPARMOR = "/sys/module/apparmor"


class ResetSignals(Operation):
    """The interpreter ignores SIGPIPE; the user's program is not to inherit it."""

    def describe(self) -> str:
        """`reset the signals`."""
        return "reset the signals"

    def execute(self, stage: Stage) -> None:
        """Every disposition and the mask."""
        del stage
        import _signal  # type: ignore[import-not-found]  # signal imports enum

        for number in range(1, 65):
            if number in (9, 19, 32, 33):
                continue
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


class NewSession(Operation):
    """setsid(2), and a session keyring of its own."""

    def __init__(self, keyring: str) -> None:
        """The keyring's name, or '' to inherit the caller's."""
        self.keyring = keyring

    def describe(self) -> str:
        """`begin a session`."""
        return "begin a session"

    def execute(self, stage: Stage) -> None:
        """A kernel without keyrings, or one whose quota is used up, is no reason to stop."""
        del stage
        os.setsid()
        if self.keyring:
            with ignoring(OSError):
                kp.join_session_keyring(self.keyring)


class SetStreams(Operation):
    """Standard input, output and error."""

    def __init__(self, streams: tuple[int, int, int]) -> None:
        """Three descriptors."""
        self.streams = streams

    def describe(self) -> str:
        """`set the standard streams`."""
        return "set the standard streams"

    def execute(self, stage: Stage) -> None:
        """Above first: one of them may be 0, 1 or 2 itself."""
        del stage
        import fcntl

        above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in self.streams]
        for number, fd in enumerate(above):
            os.dup2(fd, number, inheritable=True)
            os.close(fd)


class SetOomScore(Operation):
    """`process.oomScoreAdj`."""

    def __init__(self, value: int) -> None:
        """-1000 to 1000."""
        self.value = value

    def describe(self) -> str:
        """`set oom_score_adj to 100`."""
        return f"set oom_score_adj to {self.value}"

    def execute(self, stage: Stage) -> None:
        """In the host's procfs, before the roots change."""
        fd = os.open("../oom_score_adj", os.O_RDWR | os.O_CLOEXEC, dir_fd=stage.own_fds)
        try:
            if int(os.read(fd, 16)) != self.value:
                os.write(fd, str(self.value).encode())
        except PermissionError:
            raise Forbidden(
                "permission denied", hint="to lower it, the runtime needs CAP_SYS_RESOURCE"
            ) from None
        finally:
            os.close(fd)


class SetLimit(Operation):
    """One entry of `process.rlimits`."""

    def __init__(self, kind: str, soft: int, hard: int) -> None:
        """The kind as in getrlimit(2)."""
        import resource

        number = getattr(resource, kind, None)
        if not kind.startswith("RLIMIT_") or number is None:
            raise Invalid(f"rlimit type {kind!r} does not exist")
        self.kind = kind
        self.number = int(number)
        self.limits = (_signed(soft), _signed(hard))

    def describe(self) -> str:
        """`set RLIMIT_NOFILE to 1024:1024`."""
        return f"set {self.kind} to {self.limits[0]}:{self.limits[1]}"

    def execute(self, stage: Stage) -> None:
        """Raising a hard limit needs CAP_SYS_RESOURCE."""
        del stage
        import resource

        try:
            resource.setrlimit(self.number, self.limits)
        except ValueError as error:
            soft, hard = self.limits
            if hard != -1 and not -1 < soft <= hard:
                raise Invalid(
                    f"error setting rlimit type {self.number}: invalid argument"
                ) from None
            hard = resource.getrlimit(self.number)[1]
            raise Forbidden(
                f"error setting rlimit type {self.number}: operation not permitted",
                hint=f"{error}: the runtime's own hard limit is {hard}",
            ) from None


def _signed(value: int) -> int:
    """RLIM_INFINITY as the resource module has it."""
    return -1 if value >= 1 << 63 else value


class NoNewPrivileges(Operation):
    """`process.noNewPrivileges`."""

    def describe(self) -> str:
        """`set no_new_privs`."""
        return "set no_new_privs"

    def execute(self, stage: Stage) -> None:
        """From here on nothing gains a privilege by execve(2)."""
        del stage
        kp.prctl(kp.PR_SET_NO_NEW_PRIVS, 1)


class MakeWorkingDirectory(Operation):
    """The image may lack the directory that the program is to start in."""

    def __init__(self, path: str) -> None:
        """An absolute path in the container."""
        self.path = path

    def describe(self) -> str:
        """`make the working directory /app`."""
        return f"make the working directory {self.path}"

    def execute(self, stage: Stage) -> None:
        """While the root can still be written.  A path below /proc or the like is left to chdir."""
        from boxship.runtime import inside

        with ignoring(OSError):
            os.close(inside.make_directory(stage.root, self.path))


class ChangeDirectory(Operation):
    """chdir(2) into the container's working directory, and not out of the container."""

    def __init__(self, path: str, *, again: bool = False) -> None:
        """`again`: as the user, if root could not."""
        if not path.startswith("/"):
            raise Invalid(f"cwd {path!r} must be an absolute path")
        self.path = path
        self.again = again

    def describe(self) -> str:
        """`chdir to cwd`."""
        return f'chdir to cwd ("{self.path}") set in config.json failed'

    def execute(self, stage: Stage) -> None:
        """A directory outside the root has no path: /proc/self/fd/7 of a leak (CVE-2024-21626)."""
        del stage
        try:
            os.chdir(self.path)
        except PermissionError:
            if self.again:
                raise
            return
        try:
            where = os.getcwd()
        except FileNotFoundError:
            where = ""
        if not where.startswith("/"):
            raise Forbidden(
                "current working directory is outside of container mount namespace root"
            )


class BecomeUser(Operation):
    """uid, gid, groups, umask and the five sets of capabilities."""

    def __init__(self, user: "dict[str, Any]", sets: "dict[str, list[str]] | None") -> None:
        """`process.user` and `process.capabilities`; without the latter, none are kept."""
        self.uid = user.get("uid") or 0
        self.gid = user.get("gid") or 0
        self.groups = user.get("additionalGids") or []
        self.umask = user.get("umask")
        sets = sets or {}
        names = ("bounding", "effective", "permitted", "inheritable", "ambient")
        self.sets = {name: capabilities.mask(sets.get(name)) for name in names}

    def describe(self) -> str:
        """`become user 1000:1000`."""
        return f"become user {self.uid}:{self.gid}"

    def execute(self, stage: Stage) -> None:
        """The bounding set while CAP_SETPCAP is there; the rest after setuid(2), which clears."""
        held = capabilities.held(stage.own_fds)
        capabilities.drop_from_bounding_set(self.sets["bounding"], held["CapBnd"])
        capabilities.keep_capabilities(True)
        _own_streams(self.uid)
        self._groups(stage)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        if self.umask is not None:
            os.umask(self.umask)
        capabilities.keep_capabilities(False)
        may = held["CapPrm"] & held["CapBnd"]
        permitted = self.sets["permitted"] & may
        inheritable = self.sets["inheritable"] & may
        capabilities.capset(self.sets["effective"] & permitted, permitted, inheritable)
        capabilities.set_ambient(self.sets["ambient"] & permitted & inheritable)

    def _groups(self, stage: Stage) -> None:
        fd = os.open("../setgroups", os.O_RDONLY | os.O_CLOEXEC, dir_fd=stage.own_fds)
        allowed = os.read(fd, 16).strip() != b"deny"
        os.close(fd)
        if allowed:
            os.setgroups(self.groups)
        elif self.groups:
            raise Forbidden("additional groups cannot be set in this user namespace")


def _own_streams(uid: int) -> None:
    """The user may open /dev/stdout again: its pipes and terminal are theirs, /dev/null is not."""
    null = os.makedev(1, 3)
    for fd in (0, 1, 2):
        try:
            status = os.fstat(fd)
            if status.st_uid == uid or (stat.S_ISCHR(status.st_mode) and status.st_rdev == null):
                continue
            os.fchown(fd, uid, -1)
        except OSError:
            continue


class SetLabel(Operation):
    """The label of a security module that the program is to run under."""

    def __init__(self, module: str, label: str) -> None:
        """`module` is apparmor or selinux."""
        self.module = module
        self.label = label

    def describe(self) -> str:
        """`run under the apparmor profile docker-default`."""
        return f"run under the {self.module} label {self.label}"

    def execute(self, stage: Stage) -> None:
        """For the next execve(2); in the host's procfs, which an image cannot have replaced."""
        text = f"exec {self.label}" if self.module == "apparmor" else self.label
        own = f"../attr/{self.module}/exec"
        try:
            fd = os.open(own, os.O_WRONLY | os.O_CLOEXEC, dir_fd=stage.own_fds)
        except FileNotFoundError:
            fd = os.open("../attr/exec", os.O_WRONLY | os.O_CLOEXEC, dir_fd=stage.own_fds)
        try:
            os.write(fd, text.encode())
        except FileNotFoundError:
            raise Invalid(f"{self.module} has no profile {self.label!r} loaded") from None
        finally:
            os.close(fd)


def plan_labels(process: "dict[str, Any]") -> list[Operation]:
    """`process.apparmorProfile` and `process.selinuxLabel`: spec.py saw that the host has them."""
    plan: list[Operation] = []
    profile, label = process.get("apparmorProfile"), process.get("selinuxLabel")
    if profile and (profile != "unconfined" or os.path.isdir(_APPARMOR)):
        plan.append(SetLabel("apparmor", profile))
    if label:
        plan.append(SetLabel("selinux", label))
    return plan


class LoadSeccomp(Operation):
    """The system call filter."""

    def __init__(self, loader: "Loader") -> None:
        """The loader is made from the spec, by seccomp.py."""
        self.loader = loader

    def describe(self) -> str:
        """`load the seccomp filter`."""
        return "load the seccomp filter"

    def execute(self, stage: Stage) -> None:
        """Once loaded it holds for what the runtime itself still does."""
        del stage
        self.loader.load()


class SetPersonality(Operation):
    """`linux.personality`."""

    _DOMAINS = {"LINUX": 0, "LINUX32": 8}  # noqa: RUF012

    def __init__(self, domain: str) -> None:
        """LINUX or LINUX32."""
        if domain not in self._DOMAINS:
            raise Invalid(f"personality domain {domain!r} does not exist")
        self.domain = domain

    def describe(self) -> str:
        """`set the personality LINUX32`."""
        return f"set the personality {self.domain}"

    def execute(self, stage: Stage) -> None:
        """personality(2)."""
        del stage
        kp.personality(self._DOMAINS[self.domain])


def home_of(uid: int, passwd: str = "/etc/passwd") -> str:
    """The home directory in the container's passwd, or / : an image may hold anything there."""
    try:
        fd = os.open(passwd, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return "/"
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return "/"
        text = os.read(fd, 1 << 20)
    except OSError:
        return "/"
    finally:
        os.close(fd)
    wanted = str(uid).encode()
    for line in text.splitlines():
        fields = line.split(b":")
        if len(fields) > 5 and fields[2] == wanted:
            return os.fsdecode(fields[5]) or "/"
    return "/"


def environment(process: "dict[str, Any]") -> dict[str, str]:
    """`process.env`; of two settings the later one counts."""
    pairs = (setting.partition("=") for setting in process.get("env") or ())
    return {name: value for name, _, value in pairs if name}


def plan_process(process: "dict[str, Any]", *, seccomp: "Loader | None" = None) -> list[Operation]:
    """From the privileges of the runtime down to those of the user's program."""
    plan: list[Operation] = [*plan_scheduling(process), *plan_labels(process)]
    plan += [
        SetLimit(entry["type"], entry["soft"], entry["hard"])
        for entry in process.get("rlimits") or ()
    ]
    if process.get("noNewPrivileges"):
        plan.append(NoNewPrivileges())
    elif seccomp is not None:
        plan.append(LoadSeccomp(seccomp))
    cwd = process.get("cwd") or "/"
    user = BecomeUser(process.get("user") or {}, process.get("capabilities"))
    return [*plan, ChangeDirectory(cwd), user, ChangeDirectory(cwd, again=True)]
