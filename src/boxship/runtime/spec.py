"""config.json of a bundle: read, checked once, then trusted.  runtime-spec config.md."""

import os

from boxship.model.errors import Invalid, NotFound, Unsupported
from boxship.runtime import documents
from boxship.runtime.namespaces import Namespaces
from boxship.runtime.operations import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")


class Bundle:
    """A bundle with its spec."""

    def __init__(self, path: str, text: bytes) -> None:
        """Parse and check; Invalid says which property cannot be."""
        self.path = path
        self.text = text
        self.spec: dict[str, Any] = documents.parse(text, f"{path}/config.json")
        check(self.spec)
        self.linux: dict[str, Any] = self.spec.get("linux") or {}
        self.process: dict[str, Any] = self.spec.get("process") or {}
        self.namespaces = Namespaces(self.linux.get("namespaces") or [])
        self.rootfs = os.path.realpath(os.path.join(path, self.spec["root"]["path"]))


class well_formed:  # noqa: N801  used as a statement
    """A value of another type than the specification's is Invalid, wherever it comes to light."""

    def __init__(self, name: str) -> None:
        """The document to blame."""
        self.name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> None:
        if kind is not None and issubclass(kind, KeyError | TypeError | AttributeError):
            shown = f"no {error}" if issubclass(kind, KeyError) else error
            raise Invalid(f"{self.name} is malformed: {shown}")


def load(path: str) -> Bundle:
    """The bundle at a directory."""
    path = os.path.realpath(path)
    try:
        with well_formed(f"{path}/config.json"):
            return Bundle(path, documents.read(f"{path}/config.json"))
    except FileNotFoundError:
        raise NotFound(f"JSON specification file {path}/config.json not found") from None
    except OSError as error:
        raise Invalid(f"read {path}/config.json: {reason(error)}") from error


def check_id(container_id: str) -> None:
    """Letters, digits and _ + - . only: the id is the name of a directory."""
    if container_id in ("", ".", "..") or not _ID_LETTERS.issuperset(container_id):
        raise Invalid(
            f"invalid container id format: {container_id!r}",
            hint="use letters, digits, and the characters _ + - .",
        )


def check(spec: object) -> None:
    """What would otherwise fail late, or not at all."""
    if not isinstance(spec, dict):
        raise Invalid("config.json must be an object")
    root = spec.get("root")
    if not isinstance(root, dict) or not root.get("path"):
        raise Invalid("root.path must be set in config.json")
    for mount in spec.get("mounts") or ():
        if not mount.get("destination"):
            raise Invalid("every mount needs a destination")
    check_process(spec.get("process") or {})
    linux = spec.get("linux") or {}
    _check_linux(linux, spec)
    if spec.get("vm") or spec.get("windows") or spec.get("solaris"):
        raise Unsupported("this runtime runs Linux containers only")


def check_process(process: "dict[str, Any]") -> None:
    """`process`, as init's or as exec's."""
    if not process:
        return
    if not process.get("args"):
        raise Invalid("args must not be empty")
    if not process.get("cwd"):
        raise Invalid("Cwd property must not be empty")
    if not process["cwd"].startswith("/"):
        raise Invalid("Cwd must be an absolute path")
    kinds = [entry.get("type") for entry in process.get("rlimits") or ()]
    if len(kinds) != len(set(kinds)):
        raise Invalid("rlimits has duplicated entries of one type")
    if process.get("selinuxLabel") and not os.path.isdir("/sys/fs/selinux"):
        raise Unsupported("selinuxLabel is set, but this host's kernel does not run SELinux")
    profile = process.get("apparmorProfile")
    if profile and profile != "unconfined" and not apparmor_enabled():
        raise Unsupported(f"apparmorProfile {profile!r} is set, but AppArmor is not enabled here")


def apparmor_enabled() -> bool:
    """Whether the kernel runs AppArmor."""
    try:
        return documents.read("/sys/module/apparmor/parameters/enabled").strip() == b"Y"
    except OSError:
        return False


def _check_linux(linux: "dict[str, Any]", spec: "dict[str, Any]") -> None:
    namespaces = Namespaces(linux.get("namespaces") or [])
    if "mount" not in namespaces.new:
        raise Unsupported("a container needs a mount namespace of its own")
    if (spec.get("hostname") or spec.get("domainname")) and not namespaces.is_private("uts"):
        raise Invalid("unable to set hostname without a private UTS namespace")
    if linux.get("timeOffsets") and "time" not in namespaces.new:
        raise Invalid("time namespace offsets specified, but time namespace isn't enabled")
    _check_maps(linux, namespaces)
    for path in (*(linux.get("maskedPaths") or ()), *(linux.get("readonlyPaths") or ())):
        if not path.startswith("/"):
            raise Invalid(f"path {path!r} to mask or to make read-only must be absolute")
    refused = ["intelRdt", "memoryPolicy", "netDevices"]
    refused += ["mountLabel"] if os.path.isdir("/sys/fs/selinux") else []
    for word in refused:
        if linux.get(word):
            raise Unsupported(f"linux.{word} is not supported")


def _check_maps(linux: "dict[str, Any]", namespaces: Namespaces) -> None:
    maps = linux.get("uidMappings") or linux.get("gidMappings")
    if "user" in namespaces.new and not maps:
        raise Invalid("a new user namespace needs uidMappings and gidMappings")
    if maps and not namespaces.is_private("user"):
        raise Invalid("user namespace mappings specified, but no user namespace")
