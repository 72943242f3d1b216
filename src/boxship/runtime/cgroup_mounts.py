"""cgroup mounts: what a container sees below /sys/fs/cgroup."""

import os

from boxship.kernel import filesystems as fs
from boxship.kernel import mounts as km
from boxship.kernel.filesystems import Attributes, mount_setattr
from boxship.runtime import inside
from boxship.runtime.mount_options import Options
from boxship.runtime.mounts import Target, propagate
from boxship.runtime.operations import Operation, Stage


class MountCgroupV1(Operation):
    """A tmpfs with one mount for each hierarchy, and links for controllers that share one."""

    def __init__(
        self, destination: str, options: Options, groups: dict[str, str], *, namespace: bool
    ) -> None:
        """`groups` is {hierarchy: directory of the container's group}."""
        self.destination = destination
        self.options = options
        self.groups = groups
        self.namespace = namespace

    def describe(self) -> str:
        """`mount the cgroup hierarchies on /sys/fs/cgroup`."""
        return f"mount the cgroup hierarchies on {self.destination}"

    def execute(self, stage: Stage) -> None:
        """With a cgroup namespace, the hierarchies themselves; else the group's directories."""
        context = km.fsopen("tmpfs")
        km.fsconfig_string(context, "mode", "755")
        km.fsconfig_create(context)
        tree = km.fsmount(context, self.options.attributes.set & ~fs.MOUNT_ATTR_RDONLY)
        os.close(context)
        with Target(stage, self.destination, directory=True) as target:
            target.refuse_proc()
            target.attach(tree)
        for hierarchy, directory in self.groups.items():
            self._hierarchy(tree, hierarchy, directory)
        if self.options.read_only:
            mount_setattr(tree, Attributes(fs.MOUNT_ATTR_RDONLY))
        propagate(tree, self.options)
        os.close(tree)

    def _hierarchy(self, tree: int, hierarchy: str, directory: str) -> None:
        name = hierarchy.removeprefix("name=")
        mounted = self._instance(hierarchy) if self.namespace else self._directory(directory)
        place = inside.make_directory(tree, name)
        km.move_mount(mounted, place)
        os.close(place)
        os.close(mounted)
        for part in name.split(",") if "," in name else ():
            os.symlink(name, part, dir_fd=tree)

    def _instance(self, hierarchy: str) -> int:
        context = km.fsopen("cgroup")
        try:
            for part in hierarchy.split(","):
                if part.startswith("name="):
                    km.fsconfig_string(context, "name", part.removeprefix("name="))
                else:
                    fs.fsconfig_flag(context, part)
            km.fsconfig_string(context, "source", "cgroup")
            km.fsconfig_create(context)
            return km.fsmount(context, self.options.attributes.set)
        finally:
            os.close(context)

    def _directory(self, directory: str) -> int:
        return _cloned(directory, self.options)


class MountCgroupV2(Operation):
    """The one hierarchy."""

    def __init__(
        self, destination: str, options: Options, directory: str, *, namespace: bool
    ) -> None:
        """`directory` is the container's group."""
        self.destination = destination
        self.options = options
        self.directory = directory
        self.namespace = namespace

    def describe(self) -> str:
        """`mount cgroup2 on /sys/fs/cgroup`."""
        return f"mount cgroup2 on {self.destination}"

    def execute(self, stage: Stage) -> None:
        """A new instance; where that is forbidden, or not cut off by a namespace, the group."""
        with Target(stage, self.destination, directory=True) as target:
            target.refuse_proc()
            tree = self._instance() if self.namespace else _cloned(self.directory, self.options)
            target.attach(tree)
            propagate(tree, self.options)
            os.close(tree)

    def _instance(self) -> int:
        context = km.fsopen("cgroup2")
        try:
            for word in self.options.data:
                fs.fsconfig_flag(context, word)
            km.fsconfig_create(context)
            return km.fsmount(context, self.options.attributes.set)
        except OSError:
            return _cloned(self.directory, self.options)
        finally:
            os.close(context)


def _cloned(directory: str, options: Options) -> int:
    tree = km.open_tree(-100, directory, km.OPEN_TREE_CLONE | km.OPEN_TREE_CLOEXEC)
    mount_setattr(tree, options.attributes)
    return tree
