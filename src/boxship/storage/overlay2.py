"""overlay2: layers and containers' uppers as directories that overlayfs stacks.

A layer is applied once and never changed.  A container has an init layer and an upper above its
image; both are made without looking at the image again (initlayer.py) and without syncs.

What a crash of the machine may do: a layer's files may not have reached the disk although its row
has.  So a row says in which boot it was written until a later syncfs(2) made it good; `recover`
drops the layers of another boot that never were.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress

from boxship.kernel import mounts, overlay, sync
from boxship.model.digest import chain_id
from boxship.model.errors import BoxshipError, Conflict, NotFound
from boxship.storage import changes, limits, pack, trees
from boxship.storage.cachedirs import CacheDirs, new_cache_id, new_link
from boxship.storage.initlayer import InitPlan
from boxship.storage.layers import LEASE, Layer, LayerIndex, Upper
from boxship.storage.readahead import ReadAhead
from boxship.storage.tarstream import Readable, TarStream
from boxship.storage.trash import Trash
from boxship.storage.unpack import Unpacker
from boxship.storage.view import View

# When the kernel has written most of it by itself (vm.dirty_expire_centisecs is 30 s): a sync that
# comes sooner makes others wait, and writes layers that are removed before anybody needs them.
_SYNC_AFTER_S = 40.0
_STACKS = 512


class Stack:
    """The layers of an image as overlayfs wants them, and its init plan: looked up once."""

    def __init__(self, layers: list[Layer], base: str) -> None:
        """Look once."""
        self.links = [layer.link for layer in layers]
        self.cache_ids = [layer.cache_id for layer in layers]
        if not layers:
            self.init = InitPlan(None)
            return
        with View(base, [f"l/{link}" for link in self.links]) as view:
            self.init = InitPlan(view)


class Overlay2:
    """The layer store of one engine.  All calls block; they may come from several threads."""

    def __init__(self, root: str, *, bounds: limits.Limits = limits.DEFAULT) -> None:
        """Keep everything below the data root `root`."""
        self._trash = Trash(os.path.join(str(root), "trash"))
        self._dirs = CacheDirs(os.path.join(str(root), "overlay2"), self._trash)
        self._index = LayerIndex(os.path.join(str(root), "layers.db"))
        self._limits = bounds
        self._stacks: dict[str | None, Stack] = {}
        self._sync_timer: threading.Timer | None = None
        self._syncing: threading.Timer | None = None
        self._lock = threading.Lock()

    # -- layers ----------------------------------------------------------------------------------

    def apply(
        self, parent: str | None, stream: Readable, *, holder: str | None = None, label: str = ""
    ) -> Layer:
        """Unpack an uncompressed tar on top of `parent`; `holder` needs the layer from then on.

        Errors name the layer by `label`.  Nothing is left of a layer that could not be unpacked.
        """
        below = self._index.stack(parent)
        cache_id, link = new_cache_id(), new_link()
        try:
            self._dirs.make(cache_id, link, [layer.link for layer in below])
            with ReadAhead(stream) as ahead:
                size = self._unpack(cache_id, below, TarStream(ahead, self._limits), label)
                diff_id = ahead.digest()
            self._dirs.commit(cache_id)
            chain = str(chain_id(parent, diff_id))
            layer = Layer(chain, str(diff_id), parent, cache_id, link, size)
            kept = self._index.add(layer, holder, _boot())
        except BaseException:
            self._dirs.remove(cache_id, link)
            raise
        if kept.cache_id != cache_id:
            self._dirs.remove(cache_id, link)
        else:
            self._sync_soon()
        return kept

    def _unpack(self, cache_id: str, below: list[Layer], archive: TarStream, label: str) -> int:
        diff = self._dirs.path(cache_id, "diff")
        view = None
        if below:
            view = View(self._dirs.home, [f"l/{layer.link}" for layer in below])
            root = os.fstat(view.fd)
            os.chmod(diff, root.st_mode & 0o7777)
            os.chown(diff, root.st_uid, root.st_gid)
        fd = os.open(diff, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            unpacker = Unpacker(fd, below=view, limits=self._limits)
            unpacker.unpack(archive)
        except BoxshipError as error:
            named = f"layer {label}: " if label else ""
            text = f"failed to register layer: {named}{error.message}"
            raise type(error)(text, hint=error.hint) from error
        finally:
            os.close(fd)
            if view is not None:
                view.close()
        return unpacker.size

    def get(self, chain: str) -> Layer:
        """The layer of that chain id."""
        layer = self._index.find(chain)
        if layer is None:
            raise NotFound(f"layer {chain} does not exist")
        return layer

    def has(self, chain: str) -> bool:
        """Whether it is here."""
        return self._index.find(chain) is not None

    def retain(self, chain: str, holder: str) -> bool:
        """Let `holder` need the layer; False if it is not here."""
        return self._index.retain(chain, holder)

    def release(self, holder: str) -> list[str]:
        """Let `holder` need nothing any more; the chain ids of the layers that went with it."""
        gone = self._index.release(holder)
        self._remove_layers(gone)
        return [layer.chain_id for layer in gone]

    def holders(self, prefix: str) -> list[str]:
        """Who holds layers, by the beginning of the name."""
        return self._index.holders(prefix)

    def layer_size(self, chain: str | None) -> int:
        """The bytes of a layer and all below it."""
        return sum(layer.size for layer in self._index.stack(chain))

    def layer_data(self, chain: str) -> dict[str, str]:
        """Where a layer is, as `docker image inspect` shows it."""
        top, *below = self._index.stack(chain)
        data = {
            "MergedDir": self._dirs.path(top.cache_id, "merged"),
            "UpperDir": self._dirs.path(top.cache_id, "diff"),
            "WorkDir": self._dirs.path(top.cache_id, "work"),
        }
        if below:
            lower = ":".join(self._dirs.path(layer.cache_id, "diff") for layer in below)
            data = {"LowerDir": lower, **data}
        return data

    def _remove_layers(self, layers: list[Layer]) -> None:
        for layer in layers:
            self._stacks.pop(layer.chain_id, None)
            self._dirs.remove(layer.cache_id, layer.link)

    # -- containers ------------------------------------------------------------------------------

    def create(self, container_id: str, parent: str | None, *, init: bool = True) -> None:
        """Make the upper of a container on top of an image's top layer."""
        if self._index.upper(container_id) is not None:
            raise Conflict(f"container {container_id} has a root file system already")
        stack = self._stack(parent)
        cache_id, link = new_cache_id(), new_link()
        init_link = new_link() if init else None
        lower = list(stack.links)
        try:
            if init_link is not None:
                self._dirs.make(f"{cache_id}-init", init_link, lower)
                diff = self._dirs.path(f"{cache_id}-init", "diff")
                stack.init.make_root(diff)
                stack.init.carry_out(diff)
                self._dirs.commit(f"{cache_id}-init")
                lower.insert(0, init_link)
            self._dirs.make(cache_id, link, lower)
            stack.init.make_root(self._dirs.path(cache_id, "diff"))
            self._index.add_upper(Upper(container_id, cache_id, parent, link, init_link))
        except BaseException:
            self._remove_upper_dirs(Upper(container_id, cache_id, parent, link, init_link))
            raise

    def mount(self, container_id: str, *, throwaway: bool = False) -> str:
        """Mount the tree of a container, if it is not; its path.

        What a `throwaway` container (`run --rm`) writes need not outlive a crash of the machine, as
        the container itself does not: its syncs, and that of the unmount, cost nothing.
        """
        upper = self._upper(container_id)
        if upper.init_link is None and upper.parent is None:
            return self._dirs.path(upper.cache_id, "diff")  # nothing to stack it on
        merged = self._dirs.path(upper.cache_id, "merged")
        with suppress(FileExistsError):
            os.mkdir(merged, 0o700)
        if _is_mounted(merged):
            return merged
        diff, work = f"{upper.cache_id}/diff", f"{upper.cache_id}/work"
        self._forget_volatile(upper)
        flags = ("volatile",) if throwaway else ()
        overlay.mount_overlay(merged, self._dirs.home, self._lowers(upper), diff, work, flags)
        return merged

    def _forget_volatile(self, upper: Upper) -> None:
        """Take away the mark of a volatile mount, without which overlayfs mounts again."""
        mark = self._dirs.path(upper.cache_id, "work/work/incompat")
        if os.path.exists(mark):
            trees.remove_tree(mark)

    def unmount(self, container_id: str) -> None:
        """Unmount the tree of a container; it is fine if it is not mounted."""
        upper = self._index.upper(container_id)
        if upper is not None:
            self._unmount(upper)

    def remove(self, container_id: str) -> None:
        """Remove the upper of a container, and the layers that only it needed."""
        upper = self._index.upper(container_id)
        if upper is None:
            return
        self._unmount(upper)
        # The row first: whatever is left after a crash is a directory that nobody knows.
        gone = self._index.remove_upper(container_id)
        self._remove_upper_dirs(upper)
        self._remove_layers(gone)

    def driver_data(self, container_id: str) -> dict[str, str]:
        """Where the tree of a container is, as `docker inspect` shows it."""
        upper = self._upper(container_id)
        ids = [f"{upper.cache_id}-init"] if upper.init_link else []
        ids += self._stack(upper.parent).cache_ids
        return {
            "LowerDir": ":".join(self._dirs.path(cache_id, "diff") for cache_id in ids),
            "MergedDir": self._dirs.path(upper.cache_id, "merged"),
            "UpperDir": self._dirs.path(upper.cache_id, "diff"),
            "WorkDir": self._dirs.path(upper.cache_id, "work"),
        }

    def usage(self, container_id: str) -> int:
        """The bytes of what a container wrote."""
        return trees.usage(self._dirs.path(self._upper(container_id).cache_id, "diff"))

    def changes(self, container_id: str) -> list[tuple[str, int]]:
        """What a container changed: paths, and whether changed (0), added (1) or deleted (2)."""
        upper = self._upper(container_id)
        with View(self._dirs.home, self._lowers(upper)) as below:
            return changes.between(self._dirs.path(upper.cache_id, "diff"), below)

    def export(self, container_id: str) -> Iterator[bytes]:
        """The whole tree of a container as a tar, piece by piece."""
        upper = self._upper(container_id)
        was_mounted = os.path.exists(self._dirs.path(upper.cache_id, "merged"))
        merged = self.mount(container_id)
        try:
            yield from pack.pack(merged)
        finally:
            if not was_mounted:
                self._unmount(upper)

    def _upper(self, container_id: str) -> Upper:
        upper = self._index.upper(container_id)
        if upper is None:
            raise NotFound(f"container {container_id} has no root file system")
        return upper

    def _lowers(self, upper: Upper) -> list[str]:
        links = self._stack(upper.parent).links
        return [f"l/{link}" for link in ([upper.init_link] if upper.init_link else []) + links]

    def _stack(self, chain: str | None) -> Stack:
        stack = self._stacks.get(chain)
        if stack is None:
            stack = Stack(self._index.stack(chain), self._dirs.home)
            if len(self._stacks) >= _STACKS:
                self._stacks.clear()
            self._stacks[chain] = stack
        return stack

    def _unmount(self, upper: Upper) -> None:
        merged = self._dirs.path(upper.cache_id, "merged")
        try:
            while _is_mounted(merged):
                mounts.umount2(merged, mounts.MNT_DETACH | mounts.UMOUNT_NOFOLLOW)
            os.rmdir(merged)
        except FileNotFoundError:
            return

    def _remove_upper_dirs(self, upper: Upper) -> None:
        self._dirs.remove(upper.cache_id, upper.link)
        if upper.init_link is not None:
            self._dirs.remove(f"{upper.cache_id}-init", upper.init_link)

    # -- starts and ends -------------------------------------------------------------------------

    def recover(self, known: set[str]) -> None:
        """At the daemon's start: only what is whole and needed stays; `known` are containers."""
        self._trash.empty()
        for upper in self._index.uppers():
            if upper.container_id not in known or not self._is_whole(upper):
                self.remove(upper.container_id)
        self._drop_lost_layers()
        for lease in self._index.holders(LEASE):
            self.release(lease)
        self._remove_layers(self._index.collect())
        layers, uppers = self._index.layers(), self._index.uppers()
        needed = {layer.cache_id for layer in layers} | {upper.cache_id for upper in uppers}
        needed |= {f"{upper.cache_id}-init" for upper in uppers if upper.init_link}
        for name in self._dirs.names() - needed:
            self._remove_stranger(name)
        links = {layer.link for layer in layers} | {upper.link for upper in uppers}
        self._dirs.remove_links_but(links | {u.init_link for u in uppers if u.init_link})
        if self._index.unsynced():
            self._sync_soon()

    def _is_whole(self, upper: Upper) -> bool:
        return os.path.isdir(self._dirs.path(upper.cache_id, "diff"))

    def _remove_stranger(self, name: str) -> None:
        merged = self._dirs.path(name, "merged")
        with suppress(OSError):
            while _is_mounted(merged):
                mounts.umount2(merged, mounts.MNT_DETACH | mounts.UMOUNT_NOFOLLOW)
        self._dirs.remove(name)

    def _drop_lost_layers(self) -> None:
        """Layers of a boot that ended before they were on the disk, and those above them."""
        here, suspect = _boot(), self._index.unsynced()
        lost: set[str] = set()
        layers = {layer.chain_id: layer for layer in self._index.layers()}
        for layer in layers.values():
            whole = os.path.isdir(self._dirs.path(layer.cache_id, "diff"))
            if suspect.get(layer.chain_id, here) != here or not whole:
                lost.add(layer.chain_id)
        above = lost
        while above:
            above = {c for c, layer in layers.items() if layer.parent in above} - lost
            lost |= above
        self._index.drop(lost)

    def sync(self) -> None:
        """Make all layers durable now."""
        chain_ids = list(self._index.unsynced())
        if not chain_ids:
            return
        fd = os.open(self._dirs.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync.syncfs(fd)
        finally:
            os.close(fd)
        self._index.mark_synced(chain_ids)

    def _sync_soon(self) -> None:
        with self._lock:
            if self._sync_timer is None:
                self._sync_timer = threading.Timer(_SYNC_AFTER_S, self._sync_now)
                self._sync_timer.daemon = True
                self._sync_timer.start()

    def _sync_now(self) -> None:
        with self._lock:
            self._syncing, self._sync_timer = self._sync_timer, None
        # What is added from here on begins another timer.
        self.sync()

    def settle(self) -> None:
        """Wait until all that was removed is deleted."""
        self._trash.settle()

    def close(self) -> None:
        """Let go of files and threads; mounts stay, for containers may run on."""
        with self._lock:
            timers = [timer for timer in (self._sync_timer, self._syncing) if timer is not None]
        for timer in timers:
            timer.cancel()
            timer.join()
        self._trash.close()
        self._index.close()


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def _is_mounted(path: str) -> bool:
    """Whether something is mounted on `path`, whose parent is of ours."""
    return os.stat(path).st_dev != os.stat(os.path.dirname(path)).st_dev
