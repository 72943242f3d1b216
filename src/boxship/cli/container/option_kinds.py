"""Kinds of flags that only containers have."""

import os

from boxship.cli import kinds
from boxship.cli.csv import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.api.docker.http import Json


def _stream(text: str) -> str:
    if text.lower() not in {"stdin", "stdout", "stderr"}:
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return text.lower()


def _env(text: str) -> str:
    name, separator, _ = text.partition("=")
    if not name:
        raise ValueError(f"invalid environment variable: {text}")
    if separator:
        return text
    return f"{name}={os.environ[name]}" if name in os.environ else name


def _label(text: str) -> str:
    name = text.partition("=")[0]
    if not name.strip():
        raise ValueError(f"invalid label '{text}': empty name")
    if any(char.isspace() for char in name):
        raise ValueError(f"label '{name}' contains whitespaces")
    return text


def is_ip(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address."""
    import socket

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except OSError:
            continue
        return True
    return False


def _dns(text: str) -> str:
    if not is_ip(text.strip()):
        raise ValueError(f"IP address is not correctly formatted: {text}")
    return text.strip()


def _dns_search(text: str) -> str:
    domain = text.strip(" ")
    if domain == ".":
        return domain
    labels = domain.removesuffix(".").split(".")
    if not all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels):
        raise ValueError(f"{text} is not a valid domain")
    return domain


def _extra_host(text: str) -> str:
    cut = "=" if "=" in text else ":"
    name, separator, address = text.partition(cut)
    if not separator or not name:
        raise ValueError(f'bad format for add-host: "{text}"')
    address = address.removeprefix("[").removesuffix("]")
    if address != "host-gateway" and not is_ip(address):
        raise ValueError(f'invalid IP address in add-host: "{address}"')
    return f"{name}:{address}"


def _link(text: str) -> str:
    if not text:
        raise ValueError("empty string specified for links")
    if text.count(":") > 1:
        raise ValueError(f"bad format for links: {text}")
    return text


def _device_rule(text: str) -> str:
    parts = text.split(" ")
    numbers = parts[1].split(":") if len(parts) == 3 else []
    good = (
        len(numbers) == 2
        and parts[0] in {"a", "b", "c"}
        and all(number == "*" or number.isdigit() for number in numbers)
        and 1 <= len(parts[2]) <= 3
        and not parts[2].strip("rwm")
    )
    if not good:
        raise ValueError(f"invalid device cgroup format '{text}'")
    return text


def _path_and_amount(text: str) -> tuple[str, str]:
    path, separator, amount = text.partition(":")
    if not separator:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    return path, amount


def _weight_device(text: str) -> "Json":
    path, amount = _path_and_amount(text)
    if not amount.isdigit():
        raise ValueError(f"invalid weight for device: {text}")
    weight = int(amount)
    if weight > 0 and not 10 <= weight <= 1000:
        raise ValueError(f"invalid weight for device: {text}")
    return {"Path": path, "Weight": weight}


def _rate_bps(text: str) -> "Json":
    path, amount = _path_and_amount(text)
    try:
        return {"Path": path, "Rate": kinds.size(amount)}
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is "
            "<device-path>:<number>[<unit>]. Number must be a positive integer. "
            "Unit is optional and can be kb, mb, or gb"
        ) from None


def _rate_iops(text: str) -> "Json":
    path, amount = _path_and_amount(text)
    if not amount.isdigit():
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is <device-path>:<number>. "
            "Number must be a positive integer"
        )
    return {"Path": path, "Rate": int(amount)}


ULIMITS = frozenset(
    {"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"}
    | {"nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}
)


def _ulimit(text: str) -> "Json":
    name, separator, limits = text.partition("=")
    if not separator:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in ULIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    if limits.count(":") > 1:
        raise ValueError(
            f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
        )
    first, _, second = limits.partition(":")
    soft = kinds.integer(first)
    hard = kinds.integer(second) if second else soft
    if hard != -1 and (soft > hard or soft == -1):
        raise ValueError(
            f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
            if soft != -1
            else "ulimit soft limit must be less than or equal to hard limit: "
            f"soft: -1 (unlimited), hard: {hard}"
        )
    return {"Name": name, "Hard": hard, "Soft": soft}


SYSCTLS = frozenset(
    {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall"}
    | {"kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"}
)


def _sysctl(text: str) -> str:
    name, separator, _ = text.partition("=")
    if not separator or not (name in SYSCTLS or name.startswith(("net.", "fs.mqueue."))):
        raise ValueError(f"sysctl '{text}' is not allowed")
    return text


def _gpus(text: str) -> "Json":
    request: Json = {
        "Driver": "",
        "Count": 0,
        "DeviceIDs": None,
        "Capabilities": None,
        "Options": {},
    }
    seen = set()
    for field in fields(text):
        name, separator, value = field.partition("=")
        name, value = (name, value) if separator else ("count", name)
        if name in seen:
            raise ValueError(f"gpu request key '{name}' can be specified only once")
        seen.add(name)
        _gpu_field(request, field, name, value)
    if not seen & {"count", "device"}:
        request["Count"] = 1
    capabilities = request["Capabilities"] or [[]]
    if "gpu" not in capabilities[0]:
        capabilities[0].append("gpu")
    request["Capabilities"] = capabilities
    return request


def _gpu_field(request: "Json", field: str, name: str, value: str) -> None:
    if name == "driver":
        request["Driver"] = value
    elif name == "count":
        request["Count"] = _gpu_count(value)
    elif name == "device":
        request["DeviceIDs"] = value.split(",")
    elif name == "capabilities":
        request["Capabilities"] = [value.split(",")]
    elif name == "options":
        request["Options"] = pairs(fields(value))
    else:
        raise ValueError(f"unexpected key '{name}' in '{field}'")


def _gpu_count(text: str) -> int:
    if text == "all":
        return -1
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f'invalid count ({text}): value must be either "all" or an integer: invalid syntax'
        ) from None


def pairs(terms: list[str]) -> dict[str, str]:
    """NAME=VALUE terms as a map; a name alone has an empty value."""
    return {name: value for name, _, value in (term.partition("=") for term in terms)}


STREAM = kinds.list_of(_stream)
ENV = kinds.list_of(_env)
LABEL = kinds.list_of(_label)
DNS = kinds.list_of(_dns)
DNS_SEARCH = kinds.list_of(_dns_search)
EXTRA_HOST = kinds.list_of(_extra_host)
LINK = kinds.list_of(_link)
DEVICE_RULE = kinds.list_of(_device_rule)
WEIGHT_DEVICE = kinds.list_of(_weight_device)
RATE_BPS = kinds.list_of(_rate_bps)
RATE_IOPS = kinds.list_of(_rate_iops)
ULIMIT = kinds.list_of(_ulimit, "ulimit")
SYSCTL = kinds.list_of(_sysctl, "map")
GPUS = kinds.list_of(_gpus, "gpu-request")
IP = kinds.Kind("string", str, default="")
DURATION = kinds.Kind("duration", kinds.duration, default=0)
