"""overlayfs: mounted by fsopen(2) where the kernel takes layers one by one, else by mount(2)."""

import errno
import os
import threading

from boxship.kernel import filesystems, mounts, namespaces

_AT_FDCWD = -100
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PAGE = 4095
_CLONE_FS = 0x200
# fsconfig(2) takes strings of less than 256 bytes.
_MAX_STRING = 255

MOUNT_ATTR_RDONLY = 1


def mount_overlay(
    target: str, base: str, lowers: list[str], upper: str, work: str, flags: tuple[str, ...] = ()
) -> None:
    """Mount on `target` the stack of `lowers`, the uppermost first, below the writable `upper`.

    All but `target` are relative to `base`, so that long stacks fit whatever way is taken; the
    working directory of the process is left alone, for other threads use it.  `flags` are options
    of overlayfs without a value, such as `volatile`.
    """
    options = {"upperdir": upper, "workdir": work, **dict.fromkeys(flags, "")}
    try:
        fd = _configured(base, lowers, options, 0)
    except _TooOldError:
        data = f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={work}"
        data = ",".join((data, *flags))
        _mount_by_string(target, base, data, 0)
        return
    try:
        mounts.move_mount(fd, _AT_FDCWD, target)
    finally:
        os.close(fd)


def open_stack(base: str, layers: list[str]) -> int:
    """A descriptor of `layers`, the uppermost first, as one tree, read only and on no path."""
    if len(layers) == 1:
        return os.open(os.path.join(base, layers[0]), _DIRECTORY)
    try:
        mounted = _configured(base, layers, {}, MOUNT_ATTR_RDONLY)
    except _TooOldError:
        return _open_on_a_path(base, layers)
    try:
        return os.open(".", _DIRECTORY, dir_fd=mounted)
    finally:
        os.close(mounted)


def _open_on_a_path(base: str, layers: list[str]) -> int:
    """The old way: mounted on a path for as long as it takes to open it."""
    target = os.path.join(base, f"view-{os.getpid()}-{threading.get_ident()}")
    os.mkdir(target, 0o700)
    try:
        _mount_by_string(target, base, f"lowerdir={':'.join(layers)}", mounts.MS_RDONLY)
        try:
            return os.open(target, _DIRECTORY)
        finally:
            mounts.umount2(target, mounts.MNT_DETACH)
    finally:
        os.rmdir(target)


class _TooOldError(Exception):
    """This kernel has no lowerdir+ (it came with Linux 6.8), or a path is too long for it."""


def _configured(base: str, lowers: list[str], options: dict[str, str], flags: int) -> int:
    if any(len(f"{base}/{path}") > _MAX_STRING for path in (*lowers, *options.values())):
        raise _TooOldError
    fd = mounts.fsopen("overlay")
    try:
        mounts.fsconfig_string(fd, "source", "overlay")
        try:
            for lower in lowers:
                mounts.fsconfig_string(fd, "lowerdir+", os.path.join(base, lower))
        except OSError as error:
            raise _TooOldError from error
        for key, path in options.items():
            if path:
                mounts.fsconfig_string(fd, key, os.path.join(base, path))
            else:
                filesystems.fsconfig_flag(fd, key)
        mounts.fsconfig_create(fd)
        return mounts.fsmount(fd, flags)
    finally:
        os.close(fd)


def _mount_by_string(target: str, base: str, data: str, flags: int) -> None:
    if len(data) > _PAGE:
        raise OSError(errno.E2BIG, f"mount overlay on {target}: too many layers")
    failure: list[BaseException] = []

    def mount_from_base() -> None:
        try:
            # A working directory of this thread's own, which ends with it.
            namespaces.unshare(_CLONE_FS)
            os.chdir(base)
            mounts.mount("overlay", target, "overlay", flags, data)
        except BaseException as error:  # noqa: BLE001  (it is raised again by the caller's thread)
            failure.append(error)

    thread = threading.Thread(target=mount_from_base)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
