"""The shim's only loop: descriptors, children, timers, and handlers that wait (jobs)."""

import errno
import heapq
import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    Value = Any
    Resume = Callable[[Any, Exception | None], None]
    # What a handler yields: it is started with the function to call when it is done.
    Job = Callable[[Resume], None]
    Steps = Generator[Job, Any, Any]

READ = select.EPOLLIN
WRITE = select.EPOLLOUT


class Timer:
    """Something to do later, unless it is cancelled."""

    __slots__ = ("at", "callback")

    def __init__(self, at: float, callback: "Callable[[], None]") -> None:
        """At the monotonic time `at`."""
        self.at = at
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Never mind."""
        self.callback = None

    def __lt__(self, other: "Timer") -> bool:
        return self.at < other.at


class Loop:
    """Calls back; one callback at a time."""

    def __init__(self) -> None:
        """An empty loop that hears of children from now on."""
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[int], None]] = {}
        self._timers: list[Timer] = []
        self._children: dict[int, Callable[[int], None]] = {}
        # Exits of children that nobody watches yet: a process may end before its pid is known.
        self._unclaimed: dict[int, int] = {}
        self._expected = 0
        self._running = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        self.add(self._wake_read, self._on_signal)

    def close(self) -> None:
        """Hear of nothing any more."""
        signal.set_wakeup_fd(-1)
        self._epoll.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def add(self, fd: int, callback: "Callable[[int], None]", events: int = READ) -> None:
        """Call `callback(events)` when `fd` is ready for `events`, or hangs up."""
        self._ready[fd] = callback
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Wait for other events of `fd`."""
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Forget `fd`; to be called before it is closed."""
        if self._ready.pop(fd, None):
            self._epoll.unregister(fd)

    def later(self, seconds: float, callback: "Callable[[], None]") -> Timer:
        """Call `callback` once, in so many seconds."""
        timer = Timer(time.monotonic() + seconds, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def expect_child(self) -> None:
        """Remember the exits of unknown children until `child_known`."""
        self._expected += 1

    def child_known(self) -> None:
        """The expected pid is watched, or will never come."""
        self._expected -= 1
        if not self._expected:
            self._unclaimed.clear()

    def watch_child(self, pid: int, callback: "Callable[[int], None]") -> None:
        """Call `callback(wait status)` when child `pid` has ended."""
        if pid in self._unclaimed:
            status = self._unclaimed.pop(pid)
            self.later(0, lambda: callback(status))
        else:
            self._children[pid] = callback

    def spawn(self, steps: "Steps", done: "Resume") -> None:
        """Run a handler that waits: go on with it whenever the job that it yielded is done."""
        _advance(steps, done, None, None)

    def stop(self) -> None:
        """Let `run` return."""
        self._running = False

    def run(self) -> None:
        """Call back until `stop`."""
        self._running = True
        while self._running:
            for fd, events in self._wait():
                # An earlier callback of this round may have removed it.
                if fd in self._ready:
                    self._ready[fd](events)
            self._run_timers()

    def _wait(self) -> list[tuple[int, int]]:
        timeout = None
        if self._timers:
            timeout = max(self._timers[0].at - time.monotonic(), 0)
        return self._epoll.poll(timeout, 32)

    def _run_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0].at <= now:
            timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                timer.callback()

    def _on_signal(self, _events: int) -> None:
        try:
            while os.read(self._wake_read, 512):
                pass
        except BlockingIOError:
            self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except OSError as error:
                if error.errno != errno.ECHILD:
                    raise
                return
            if not pid:
                return
            callback = self._children.pop(pid, None)
            if callback is not None:
                callback(status)
            elif self._expected:
                self._unclaimed[pid] = status


def _nothing(_number: int, _frame: object) -> None:
    """A handler, so that the wake-up descriptor is written to; and default again after exec."""


def _advance(steps: "Steps", done: "Resume", value: "Value", error: Exception | None) -> None:
    try:
        job = steps.throw(error) if error is not None else steps.send(value)
    except StopIteration as end:
        done(end.value, None)
    except Exception as failure:  # noqa: BLE001 - whoever started the handler is told
        done(None, failure)
    else:
        job(lambda value, error: _advance(steps, done, value, error))
