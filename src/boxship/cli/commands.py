"""Every command: its path, the module that has it, what it does."""

COMMON = {
    "run": ("container.run", "Create and run a new container from an image"),
    "exec": ("container.execute", "Execute a command in a running container"),
    "ps": ("container.ls", "List containers"),
    "pull": ("image.pull", "Download an image from a registry"),
    "images": ("image.ls", "List images"),
    "login": ("registry.login", "Keep the credentials of a registry"),
    "logout": ("registry.logout", "Forget the credentials of a registry"),
    "version": ("system.version", "Show the version of client and engine"),
    "info": ("system.info", "Display system-wide information"),
}

PLAIN = {
    "attach": ("container.attach", "Attach this terminal to a running container"),
    "create": ("container.create", "Create a new container"),
    "diff": ("container.diff", "Show which files of a container changed"),
    "events": ("system.events", "Show what happens in the engine, as it happens"),
    "history": ("image.history", "Show the layers of an image and what made them"),
    "import": ("image.import_", "Make an image from a tar archive of a file system"),
    "inspect": ("system.inspect", "Show all that is known of objects of any kind"),
    "kill": ("container.kill", "Kill one or more running containers"),
    "logs": ("container.logs", "Fetch the logs of a container"),
    "pause": ("container.pause", "Freeze the processes of one or more containers"),
    "port": ("container.port", "List the published ports of a container"),
    "rename": ("container.rename", "Rename a container"),
    "restart": ("container.restart", "Restart one or more containers"),
    "rm": ("container.rm", "Remove one or more containers"),
    "rmi": ("image.rm", "Remove one or more images"),
    "start": ("container.start", "Start one or more stopped containers"),
    "stop": ("container.stop", "Stop one or more running containers"),
    "tag": ("image.tag", "Give an image another name"),
    "top": ("container.top", "Show the processes of a container"),
    "unpause": ("container.unpause", "Thaw the processes of one or more containers"),
    "wait": ("container.wait", "Wait until containers stop, then print their exit codes"),
}

_CONTAINER = (
    *("attach", "create", "diff", "exec", "kill", "logs", "pause", "port", "rename", "restart"),
    *("rm", "run", "start", "stop", "top", "unpause", "wait"),
)

GROUPS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "container": (
        "Manage containers",
        {
            **{name: {**COMMON, **PLAIN}[name] for name in _CONTAINER},
            "inspect": ("container.inspect", "Show all that is known of containers"),
            "ls": COMMON["ps"],
        },
    ),
    "image": (
        "Manage images",
        {
            "bootstrap": ("image.bootstrap", "Make a base image out of this host's own packages"),
            "history": PLAIN["history"],
            "import": PLAIN["import"],
            "inspect": ("image.inspect", "Show all that is known of images"),
            "ls": COMMON["images"],
            "pull": COMMON["pull"],
            "rm": PLAIN["rmi"],
            "tag": PLAIN["tag"],
        },
    ),
    "network": (
        "Manage networks",
        {
            "inspect": ("network.inspect", "Show all that is known of networks"),
            "ls": ("network.ls", "List networks"),
        },
    ),
    "system": (
        "Look at the engine",
        {"events": PLAIN["events"], "info": COMMON["info"]},
    ),
    "volume": (
        "Manage volumes",
        {
            "create": ("volume.create", "Create a volume"),
            "inspect": ("volume.inspect", "Show all that is known of volumes"),
            "ls": ("volume.ls", "List volumes"),
            "rm": ("volume.rm", "Remove one or more volumes"),
        },
    ),
}

PROGRAMS = {
    "daemon": "Run the engine (see its own --help)",
    "supervisor": "Run the supervisor of containers",
}

ALIASES = {
    "container": {"list": "ls", "ps": "ls", "remove": "rm"},
    "image": {"list": "ls", "remove": "rm"},
    "network": {"list": "ls"},
    "volume": {"list": "ls", "remove": "rm"},
    "system": {},
}


def top_level() -> dict[str, tuple[str, str]]:
    """The commands that need no group before them."""
    return {**COMMON, **PLAIN}
