"""The flags of `run` and `create`: Docker's names, and the kinds of their values."""

from boxship.cli import kinds
from boxship.cli.command import DETACH_KEYS, TRUST, Flag
from boxship.cli.container import option_kinds as kind
from boxship.cli.container.mount_option import MOUNT
from boxship.cli.container.network_option import NETWORK

IDENTITY = (
    Flag("name", kinds.STRING, "Name of the container"),
    Flag("hostname", kinds.STRING, "Host name in the container", "h"),
    Flag("domainname", kinds.STRING, "NIS domain name in the container"),
    Flag("user", kinds.STRING, "User and perhaps group, NAME|UID[:GROUP|GID]", "u"),
    Flag("group-add", kinds.LIST, "Further group of the user"),
    Flag("workdir", kinds.STRING, "Working directory", "w"),
    Flag("entrypoint", kinds.STRING, "Program to run instead of the image's entrypoint"),
    Flag("env", kind.ENV, "Environment variable NAME=VALUE, or NAME as it is here", "e"),
    Flag("env-file", kinds.LIST, "File of environment variables"),
    Flag("label", kind.LABEL, "Label NAME=VALUE", "l"),
    Flag("label-file", kinds.LIST, "File of labels, one a line"),
    Flag("annotation", kinds.MAP, "Annotation NAME=VALUE for the OCI runtime"),
    Flag("cidfile", kinds.STRING, "Write the container's id to this new file"),
)

RUNNING = (
    Flag("attach", kind.STREAM, "Attach STDIN, STDOUT or STDERR", "a"),
    Flag("interactive", kinds.BOOL, "Keep STDIN open", "i"),
    Flag("tty", kinds.BOOL, "Give the container a terminal", "t"),
    Flag("init", kinds.BOOL, "Run an init that forwards signals and reaps processes"),
    Flag("rm", kinds.BOOL, "Remove the container, and its volumes without name, when it exits"),
    Flag("restart", kinds.STRING, "When to start it again after it exited", default="no"),
    Flag("stop-signal", kinds.STRING, "Signal that stops the container"),
    Flag("stop-timeout", kinds.INT, "Seconds between that signal and SIGKILL"),
    Flag("platform", kinds.STRING, "Platform of the image, for example linux/arm64"),
    Flag("pull", kinds.STRING, 'Pull the image: "always", "missing", "never"', default="missing"),
    Flag("quiet", kinds.BOOL, "Do not show the progress of a pull", "q"),
    Flag("runtime", kinds.STRING, "OCI runtime of this container"),
    Flag("use-api-socket", kinds.BOOL, "Give the container the engine's socket and credentials"),
    TRUST,
)

HEALTH = (
    Flag("health-cmd", kinds.STRING, "Command that tells whether the container is healthy"),
    Flag("health-interval", kind.DURATION, "Time between two checks (ms|s|m|h)", default="0s"),
    Flag("health-retries", kinds.INT, "Failures in a row that make it unhealthy"),
    Flag("health-start-interval", kind.DURATION, "Time between checks at first", default="0s"),
    Flag("health-start-period", kind.DURATION, "Time in which failures do not count", default="0s"),
    Flag("health-timeout", kind.DURATION, "Longest time of one check", default="0s"),
    Flag("no-healthcheck", kinds.BOOL, "Do not run the image's check"),
)

NETWORKING = (
    Flag("network", NETWORK, "Connect the container to a network"),
    Flag("net", NETWORK, ""),
    Flag("network-alias", kinds.LIST, "Further name of the container in the network"),
    Flag("net-alias", kinds.LIST, ""),
    Flag("ip", kind.IP, "IPv4 address, for example 172.30.100.104"),
    Flag("ip6", kind.IP, "IPv6 address, for example 2001:db8::33"),
    Flag("link-local-ip", kinds.LIST, "Link-local address"),
    Flag("mac-address", kinds.STRING, "MAC address, for example 92:d0:c6:0a:29:33"),
    Flag("publish", kinds.LIST, "Publish a port to the host, [[IP:]HOST:]PORT[/PROTOCOL]", "p"),
    Flag("publish-all", kinds.BOOL, "Publish all exposed ports to free ports of the host", "P"),
    Flag("expose", kinds.LIST, "Expose a port, or a range of ports"),
    Flag("link", kind.LINK, "Link to another container, NAME[:ALIAS]"),
    Flag("add-host", kind.EXTRA_HOST, "Line of /etc/hosts, NAME:IP"),
    Flag("dns", kind.DNS, "DNS server"),
    Flag("dns-option", kinds.LIST, "Option of the resolver"),
    Flag("dns-opt", kinds.LIST, ""),
    Flag("dns-search", kind.DNS_SEARCH, "DNS search domain"),
)

STORAGE = (
    Flag("volume", kinds.LIST, "Bind a directory or a volume, [SOURCE:]TARGET[:OPTIONS]", "v"),
    Flag("volume-driver", kinds.STRING, "Driver of volumes"),
    Flag("volumes-from", kinds.LIST, "Take the mounts of another container"),
    Flag("mount", MOUNT, "Mount a file system, type=TYPE,source=SOURCE,target=TARGET ..."),
    Flag("tmpfs", kinds.LIST, "Mount a tmpfs, TARGET[:OPTIONS]"),
    Flag("read-only", kinds.BOOL, "Mount the root file system read-only"),
    Flag("storage-opt", kinds.LIST, "Option of the storage driver"),
)

ISOLATION = (
    Flag("cap-add", kinds.LIST, "Give a Linux capability"),
    Flag("cap-drop", kinds.LIST, "Take a Linux capability away"),
    Flag("privileged", kinds.BOOL, "Give all rights of the host: no protection is left"),
    Flag("security-opt", kinds.LIST, "Option of seccomp, AppArmor, SELinux ..."),
    Flag("cgroupns", kinds.STRING, "Cgroup namespace: host or private"),
    Flag("ipc", kinds.STRING, "IPC namespace: none, private, shareable, container:NAME or host"),
    Flag("pid", kinds.STRING, "PID namespace: host or container:NAME"),
    Flag("userns", kinds.STRING, "User namespace: host"),
    Flag("uts", kinds.STRING, "UTS namespace: host"),
    Flag("isolation", kinds.STRING, "Isolation technology (Windows)"),
    Flag("sysctl", kind.SYSCTL, "Kernel parameter NAME=VALUE", default=None),
    Flag("cgroup-parent", kinds.STRING, "Parent cgroup"),
    Flag("device", kinds.LIST, "Device of the host, PATH[:TARGET[:rwm]]"),
    Flag("device-cgroup-rule", kind.DEVICE_RULE, "Rule of the list of allowed devices"),
    Flag("gpus", kind.GPUS, "GPUs of the container: 'all', a number, or a list of options"),
)

LIMITS = (
    Flag("memory", kinds.BYTES, "Limit of memory", "m"),
    Flag("memory-reservation", kinds.BYTES, "Soft limit of memory"),
    Flag("memory-swap", kinds.BYTES_SIGNED, "Limit of memory and swap; -1 for no limit"),
    Flag("memory-swappiness", kinds.INT, "How readily to swap, 0 to 100", default=-1),
    Flag("kernel-memory", kinds.BYTES, "Limit of kernel memory"),
    Flag("oom-kill-disable", kinds.BOOL, "Do not kill when memory is short"),
    Flag("oom-score-adj", kinds.INT, "Preference of the OOM killer, -1000 to 1000"),
    Flag("shm-size", kinds.BYTES, "Size of /dev/shm"),
    Flag("pids-limit", kinds.INT, "Limit of processes; -1 for no limit"),
    Flag("ulimit", kind.ULIMIT, "Resource limit NAME=SOFT[:HARD]"),
    Flag("cpus", kinds.DECIMAL, "Number of CPUs"),
    Flag("cpu-count", kinds.INT, "Number of CPUs (Windows)"),
    Flag("cpu-percent", kinds.INT, "Percent of the CPUs (Windows)"),
    Flag("cpu-period", kinds.INT, "Period of the CFS quota, in microseconds"),
    Flag("cpu-quota", kinds.INT, "Quota of the CFS, in microseconds"),
    Flag("cpu-rt-period", kinds.INT, "Real-time period, in microseconds"),
    Flag("cpu-rt-runtime", kinds.INT, "Real-time runtime, in microseconds"),
    Flag("cpu-shares", kinds.INT, "Weight among those who want the CPU", "c"),
    Flag("cpuset-cpus", kinds.STRING, "CPUs to run on, 0-3 or 0,1"),
    Flag("cpuset-mems", kinds.STRING, "Memory nodes to use, 0-3 or 0,1"),
    Flag("blkio-weight", kinds.UINT16, "Weight among block I/O, 10 to 1000", default=0),
    Flag("blkio-weight-device", kind.WEIGHT_DEVICE, "Weight on a device, PATH:WEIGHT"),
    Flag("device-read-bps", kind.RATE_BPS, "Limit of bytes read a second, PATH:RATE"),
    Flag("device-read-iops", kind.RATE_IOPS, "Limit of reads a second, PATH:RATE"),
    Flag("device-write-bps", kind.RATE_BPS, "Limit of bytes written a second, PATH:RATE"),
    Flag("device-write-iops", kind.RATE_IOPS, "Limit of writes a second, PATH:RATE"),
    Flag("io-maxbandwidth", kinds.BYTES, "Limit of I/O on the system drive (Windows)"),
    Flag("io-maxiops", kinds.UINT, "Limit of operations on the system drive (Windows)"),
)

LOGGING = (
    Flag("log-driver", kinds.STRING, "Driver of the container's log"),
    Flag("log-opt", kinds.LIST, "Option of the log driver"),
)

CREATE = (*IDENTITY, *RUNNING, *HEALTH, *NETWORKING, *STORAGE, *ISOLATION, *LIMITS, *LOGGING)

RUN = (
    *CREATE,
    Flag("detach", kinds.BOOL, "Leave the container in the background and print its id", "d"),
    Flag("sig-proxy", kinds.BOOL, "Hand signals on to the container", default=True),
    DETACH_KEYS,
)
