"""boxship.runtime behind the port: most verbs in a fork of the shim that lives for milliseconds."""

import os
import socket

from boxship.model.errors import BoxshipError, System
from boxship.runtime import (
    become,
    create,
    delete,
    documents,
    execute,
    handshake,
    init,
    kill,
    pause,
    spec,
    start,
    update,
)
from boxship.shim import jobs
from boxship.shim.loop import Loop
from boxship.shim.runtimes import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from boxship.shim.loop import Job, Steps
    from boxship.shim.stdio import Stdio

    # Makes a process with these descriptors, of those to be kept; sends its terminal, if any, to
    # the fourth.
    Birth = Callable[[tuple[int, int, int], int | None, Sequence[int]], Job]


class Library:
    """boxship.runtime, each verb in a fork of the shim that lives for some milliseconds."""

    def __init__(self, loop: Loop, place: Place) -> None:
        """For the container at `place`."""
        self._loop = loop
        self._id = place.id
        self._root = place.root
        self._pid = 0
        self._has_hooks = False

    def create(self, bundle: str, stdio: "Stdio") -> "Steps":
        """The init is born as a child of the shim, and dies with it."""

        def job(fds: tuple[int, int, int], console: int | None, keep: "Sequence[int]") -> "Job":
            options = create.Options(fds, console, pdeathsig=True)
            if flags:
                birth = become.Birth(self._id, bundle, self._root, options)
                return jobs.born(self._loop, flags, lambda fd: birth.become(flags, fd), keep)

            def make() -> int:
                return create.Creation(self._id, spec.load(bundle), self._root, options).run()

            return jobs.forked(self._loop, make, keep)

        config = documents.read(f"{bundle}/config.json")
        self._has_hooks = b'"hooks"' in config
        flags = become.flags_of(config)
        del config
        born = yield from self._birth(stdio, job)
        self._pid = (yield from self._checked(*born)) if flags else born
        return self._pid

    def _checked(self, pid: int, said: bytes) -> "Steps":
        try:
            become.check(said)
        except BoxshipError:
            if become.claimed(said):
                yield from self.delete(ended=False)
            raise
        return pid

    def execute(self, name: str, process: "dict[str, Any]", stdio: "Stdio") -> "Steps":
        """As `create`, in the container's namespaces."""

        def job(fds: tuple[int, int, int], console: int | None, keep: "Sequence[int]") -> "Job":
            def make() -> int:
                return execute.execute(
                    self._id,
                    self._root,
                    process,
                    stdio=fds,
                    console=console,
                    parent=True,
                    pdeathsig=True,
                )

            return jobs.forked(self._loop, make, keep)

        return (yield from self._birth(stdio, job))

    def _birth(self, stdio: "Stdio", job: "Birth") -> "Steps":
        fds = stdio.hand_over()
        pair = socket.socketpair() if stdio.wanted.terminal else None
        console = pair[1].fileno() if pair else None
        keep = (*fds, console) if console is not None else fds
        try:
            born = yield job(fds, console, keep)
            if pair:
                stdio.connect_terminal(pair[0])
        finally:
            stdio.take_back()
            for end in pair or ():
                end.close()
        return born

    def start(self) -> "Steps":
        """Release the init; an error of its execve(2) is raised."""
        if self._has_hooks:
            yield jobs.forked(self._loop, lambda: start.start(self._id, self._root))
            return
        # As start.start, but that nothing waits, and without its memory.
        fifo = f"{self._root}/{self._id}/exec.fifo"
        answer = yield jobs.fifo_of(self._loop, fifo, self._pid)
        _raise_error_of(answer)
        os.unlink(fifo)

    def kill_all(self, number: int) -> "Steps":
        """Every process of the container's cgroup."""
        yield jobs.forked(self._loop, lambda: kill.kill(self._id, self._root, number, all_=True))

    def delete(self, *, ended: bool) -> "Steps":
        """State, cgroups, whatever processes are left."""
        # When nothing lives any more, that takes less time than a fork does.
        if ended and not self._has_hooks:
            delete.delete(self._id, self._root, force=True)
        else:
            yield jobs.forked(self._loop, lambda: delete.delete(self._id, self._root, force=True))

    def pause(self) -> "Steps":
        """The freezer."""
        yield jobs.forked(self._loop, lambda: pause.pause(self._id, self._root))

    def resume(self) -> "Steps":
        """The freezer again."""
        yield jobs.forked(self._loop, lambda: pause.resume(self._id, self._root))

    def update(self, resources: "dict[str, Any]") -> "Steps":
        """Limits of the cgroup."""
        yield jobs.forked(self._loop, lambda: update.update(self._id, self._root, resources))


def _raise_error_of(answer: bytes) -> None:
    if not answer.startswith(init.GOING):
        raise System("the container's init was killed before it could start")
    if len(answer) > len(init.GOING):
        raise handshake.from_json(answer[len(init.GOING) :])
