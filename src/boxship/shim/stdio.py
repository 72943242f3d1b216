"""The stdio of one process, from the pipes it is born with to its last byte.

prepare      the attach socket listens                               (Create, Exec)
hand_over    the process' ends, for the runtime; then `take_back`    (creation)
start        clients that wait are taken; output flows               (Start)
exited       what is there is read now; the rest has two seconds     (exit)
retire       files are closed, clients have a last while             (Delete)
"""

import contextlib
import fcntl
import os
import socket

from boxship.kernel import terminal
from boxship.logs.json_file import Writer
from boxship.model.errors import System
from boxship.shim.attach import Attach
from boxship.shim.loop import Loop
from boxship.shim.sinks import LogSink, PathSink
from boxship.shim.sources import Source
from boxship.shim.stdin import FifoFeed, Stdin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.shim.sinks import Sink
    from boxship.shim.wanted import Wanted

PIPE_SIZE = 1 << 20
# A process that has ended may leave others behind that hold its pipes: clients are not kept longer.
DRAIN_SECONDS = 2.0
_LAST_WHILE_SECONDS = 10.0


class Stdio:
    """Sources, sinks and input of one process."""

    def __init__(self, loop: Loop, wanted: "Wanted") -> None:
        """Nothing is opened yet."""
        self.wanted = wanted
        self._loop = loop
        self._attach: Attach | None = None
        self._sinks: dict[int, list[Sink]] = {1: [], 2: []}
        self._sources: list[Source] = []
        self._stdin: Stdin | None = None
        self._feed: FifoFeed | None = None
        self._given: list[int] = []
        self._master = -1

    def prepare(self) -> None:
        """Open the log and the paths, and listen for clients."""
        wanted = self.wanted
        if wanted.attach:
            self._attach = Attach(self._loop, wanted.attach, terminal=wanted.terminal)
            self._attach.on_room = self.resume
            self._add_sink(self._attach)
        if wanted.log:
            log = wanted.log
            writer = Writer(log.path, max_size=log.max_size, max_file=log.max_file, attrs=log.attrs)
            self._add_sink(LogSink(writer))
        for stream, path in wanted.pipes.items():
            if path:
                self._sinks[stream].append(PathSink(self._loop, path, self.resume))

    def _add_sink(self, sink: "Sink") -> None:
        for sinks in self._sinks.values():
            sinks.append(sink)

    def hand_over(self) -> tuple[int, int, int]:
        """The three descriptors for the process; with a terminal it opens its own."""
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._given = [null]
        if self.wanted.terminal:
            return null, null, null
        return self._input(null), self._output(1, null), self._output(2, null)

    def _input(self, null: int) -> int:
        if not self.wanted.stdin_open:
            return null
        read, write = os.pipe2(os.O_CLOEXEC)
        self._given.append(read)
        os.set_blocking(write, False)
        self._connect_stdin(write)
        return read

    def _output(self, stream: int, null: int) -> int:
        if not self._sinks[stream] and not self.wanted.own:
            return null
        read, write = os.pipe2(os.O_CLOEXEC)
        self._given.append(write)
        os.set_blocking(read, False)
        # When the user's share of pipe memory is used up, a smaller pipe works as well.
        with contextlib.suppress(OSError):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._sources.append(Source(self._loop, read, stream, self._sinks[stream]))
        return write

    def _connect_stdin(self, fd: int) -> None:
        self._stdin = Stdin(self._loop, fd, terminal=self.wanted.terminal)
        if self._attach:
            self._attach.stdin = self._stdin
        if self.wanted.stdin and not self.wanted.own:
            self._feed = FifoFeed(self._loop, self.wanted.stdin, self._stdin)

    def take_back(self) -> None:
        """The process has its ends, or will never be: close ours of them."""
        given, self._given = self._given, []
        for fd in given:
            os.close(fd)

    def connect_terminal(self, console: socket.socket) -> None:
        """Take the terminal that the runtime has made from its console socket."""
        try:
            self._master = terminal.receive_terminal(console)
        except OSError as error:
            raise System(f"the process got no terminal: {error}") from error
        os.set_blocking(self._master, False)
        self._sources.append(Source(self._loop, self._master, 1, self._sinks[1]))
        self._connect_stdin(os.dup(self._master))

    def start(self) -> None:
        """Let bytes flow."""
        if self._attach:
            self._attach.accept_waiting()
        for source in self._sources:
            source.start(self._source_ended)
        if self._feed:
            self._feed.start()

    def resize(self, width: int, height: int) -> None:
        """Tell the terminal, if there is one."""
        if self._sources and self.wanted.terminal and not self._sources[0].ended:
            terminal.set_window_size(self._master, width=width, height=height)

    def close_stdin(self) -> None:
        """No more input."""
        if self._feed:
            self._feed.end()
        elif self._stdin:
            self._stdin.end()

    def exited(self) -> None:
        """The process has ended: whatever it wrote is read before this returns."""
        for source in list(self._sources):
            source.drain()
        if self._stdin:
            self._stdin.close()
        if any(not source.ended for source in self._sources):
            self._loop.later(DRAIN_SECONDS, self._end_clients)
        else:
            self._finish()

    def abandon(self) -> None:
        """There will be no process: whoever reads its output sees the end of it now."""
        self.take_back()
        for source in self._sources:
            source.drain()
            source.close()
        if self._stdin:
            self._stdin.close()
        self._finish()
        self._end_clients()

    @property
    def busy(self) -> bool:
        """Whether clients are still being served."""
        sinks = (sink for sinks in self._sinks.values() for sink in sinks)
        behind = any(isinstance(sink, PathSink) and sink.busy for sink in sinks)
        return behind or (self._attach is not None and not self._attach.idle)

    def retire(self) -> None:
        """The process is deleted: read what is there, close, give clients a last while."""
        self.take_back()
        for source in self._sources:
            source.drain()
            source.close()
        if self._feed:
            self._feed.close()
        if self._stdin:
            self._stdin.close()
        self._finish()
        if self._attach:
            self._attach.retire()
            self._loop.later(_LAST_WHILE_SECONDS, self._attach.drop_all)

    def resume(self) -> None:
        """A client has room again."""
        for source in self._sources:
            source.resume()

    def _source_ended(self) -> None:
        for source in self._sources:
            if source.ended:
                for sink in self._sinks[source.stream]:
                    if isinstance(sink, PathSink):
                        sink.end()
        if all(source.ended for source in self._sources):
            self._finish()

    def _finish(self) -> None:
        for sinks in self._sinks.values():
            for sink in sinks:
                sink.end()

    def _end_clients(self) -> None:
        if self._attach:
            self._attach.end()
