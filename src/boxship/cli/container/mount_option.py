"""--mount type=bind,source=/a,target=/b,readonly ..."""

from boxship.cli import kinds
from boxship.cli.csv import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json

# Fields that may stand alone, for true.
SWITCHES = frozenset({"readonly", "ro", "volume-nocopy", "bind-nonrecursive"})
OWNERS = {"bind": "BindOptions", "volume": "VolumeOptions", "tmpfs": "TmpfsOptions"}
OWNERS["image"] = "ImageOptions"
PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")


def mount(text: str) -> "Json":
    """One mount as the API takes it."""
    if not text.strip():
        raise ValueError("EOF")
    found: Json = {"Type": "volume"}
    options: dict[str, Json] = {}
    for field in fields(text):
        _field(found, options, field)
    if not found.get("Target"):
        raise ValueError("target is required")
    for kind in options:
        if kind != found["Type"]:
            raise ValueError(f"cannot mix '{kind}-*' options with mount type '{found['Type']}'")
    found.update({OWNERS[kind]: values for kind, values in options.items()})
    _check_read_only(found)
    ordered = ("Type", "Source", "Target", "ReadOnly", "Consistency", *OWNERS.values())
    return {name: found[name] for name in ordered if name in found}


def _check_read_only(found: "Json") -> None:
    bind = found.get("BindOptions", {})
    if not bind.get("ReadOnlyForceRecursive"):
        return
    if not found.get("ReadOnly"):
        raise ValueError(
            "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction"
        )
    if bind.get("Propagation") != "rprivate":
        raise ValueError(
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' "
            "to be specified in conjunction"
        )


def _field(found: "Json", options: "dict[str, Json]", field: str) -> None:
    name, separator, value = field.partition("=")
    name = name.lower()
    if not separator:
        if name not in SWITCHES:
            raise ValueError(f"invalid field '{field}' must be a key=value pair")
        value = "true"
    if name in _OPTIONS:
        kind, place = _OPTIONS[name]
        place(
            options.setdefault(kind, {"DriverConfig": {}} if kind == "volume" else {}), name, value
        )
    elif name in _COMMON:
        _COMMON[name](found, name, value)
    else:
        raise ValueError(f"unexpected key '{name}' in '{field}'")


def _type(found: "Json", _: str, value: str) -> None:
    found["Type"] = value.lower()


def _set_source(found: "Json", _: str, value: str) -> None:
    found["Source"] = _source(value)


def _target(found: "Json", _: str, value: str) -> None:
    found["Target"] = value


def _read_only(found: "Json", name: str, value: str) -> None:
    if _switch(name, value):
        found["ReadOnly"] = True


def _consistency(found: "Json", _: str, value: str) -> None:
    found["Consistency"] = value.lower()


def _source(value: str) -> str:
    if value == "." or value.startswith(("./", "../")):
        import os

        return os.path.abspath(value)
    return value


def _switch(name: str, value: str) -> bool:
    try:
        return kinds.boolean(value)
    except ValueError:
        raise ValueError(f"invalid value for {name}: {value}") from None


def _propagation(options: "Json", _: str, value: str) -> None:
    options["Propagation"] = value.lower()


def _non_recursive(options: "Json", name: str, value: str) -> None:
    if _switch(name, value):
        options["NonRecursive"] = True


def _recursive(options: "Json", _: str, value: str) -> None:
    changes = {
        "enabled": {},
        "disabled": {"NonRecursive": True},
        "writable": {"ReadOnlyNonRecursive": True},
        "readonly": {"ReadOnlyForceRecursive": True},
    }
    if value not in changes:
        raise ValueError(
            f"invalid value for bind-recursive: {value} "
            '(must be "enabled", "disabled", "writable", or "readonly")'
        )
    options.update(changes[value])


def _no_copy(options: "Json", name: str, value: str) -> None:
    if _switch(name, value):
        options["NoCopy"] = True


def _volume_label(options: "Json", _: str, value: str) -> None:
    name, _, text = value.partition("=")
    options.setdefault("Labels", {})[name] = text


def _volume_driver(options: "Json", _: str, value: str) -> None:
    options["DriverConfig"]["Name"] = value


def _volume_option(options: "Json", _: str, value: str) -> None:
    name, _, text = value.partition("=")
    options["DriverConfig"].setdefault("Options", {})[name] = text


def _subpath(options: "Json", _: str, value: str) -> None:
    options["Subpath"] = value


def _tmpfs_size(options: "Json", name: str, value: str) -> None:
    try:
        options["SizeBytes"] = kinds.size(value)
    except ValueError:
        raise ValueError(f"invalid value for {name}: {value}") from None


def _tmpfs_mode(options: "Json", name: str, value: str) -> None:
    try:
        options["Mode"] = int(value, 8)
    except ValueError:
        raise ValueError(f"invalid value for {name}: {value}") from None


_COMMON = {
    "type": _type,
    "source": _set_source,
    "src": _set_source,
    "target": _target,
    "dst": _target,
    "destination": _target,
    "readonly": _read_only,
    "ro": _read_only,
    "consistency": _consistency,
}
_OPTIONS = {
    "bind-propagation": ("bind", _propagation),
    "bind-nonrecursive": ("bind", _non_recursive),
    "bind-recursive": ("bind", _recursive),
    "volume-nocopy": ("volume", _no_copy),
    "volume-label": ("volume", _volume_label),
    "volume-driver": ("volume", _volume_driver),
    "volume-opt": ("volume", _volume_option),
    "volume-subpath": ("volume", _subpath),
    "image-subpath": ("image", _subpath),
    "tmpfs-size": ("tmpfs", _tmpfs_size),
    "tmpfs-mode": ("tmpfs", _tmpfs_mode),
}

MOUNT = kinds.list_of(mount, "mount")
