"""Events to the supervisor: queued, sent in order, sent again after a lost connection.

shim                              supervisor
Forward(envelope 1)   ─────────▶
Forward(envelope 2)   ─────────▶
                      ◀─────────  answer 1: forget envelope 1
(connection lost: 2 is sent again on the next one)
"""

import socket
from collections import deque

from boxship.shim.loop import READ, WRITE, Loop
from boxship.shim.messages import EVENTS, EVENTS_SERVICE, FORWARD, timestamp
from boxship.wire import ttrpc
from boxship.wire.protobuf import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Beyond it the oldest are dropped: a supervisor that comes back asks for states anyway.
MOST_QUEUED = 2048
_RETRY_SECONDS = 1.0


class Publisher:
    """The queue, and the connection that empties it."""

    def __init__(self, loop: Loop, path: str, namespace: str) -> None:
        """Nothing is connected before the first event."""
        self._loop = loop
        self._path = path
        self._namespace = namespace
        self._queue: deque[bytes] = deque(maxlen=MOST_QUEUED)
        self._socket: socket.socket | None = None
        self._decoder = ttrpc.Decoder()
        self._sent = 0
        self._stream = 1
        self._out = b""
        self._retrying = False

    @property
    def idle(self) -> bool:
        """Whether every event has been taken."""
        return not self._queue

    def close(self) -> None:
        """Forget what is not sent yet, and hang up."""
        self._queue.clear()
        self._lost()

    def publish(self, topic: str, fields: "Mapping[str, object]", now_ns: int) -> None:
        """Queue the event of `topic`."""
        if not self._path:
            return
        name, schema = EVENTS[topic]
        event = {"type_url": f"containerd.events.{name}", "value": encode(schema, fields)}
        envelope = {
            "timestamp": timestamp(now_ns),
            "namespace": self._namespace,
            "topic": topic,
            "event": event,
        }
        if len(self._queue) == MOST_QUEUED and self._sent:
            self._lost()  # Its answers would be taken for those of later events.
        self._queue.append(encode(FORWARD, {"envelope": envelope}))
        self.poke()

    def poke(self) -> None:
        """Send what can be sent: after an event, or when the supervisor shows that it is there."""
        if self._queue and self._socket is None:
            self._connect()
        self._send()

    def _connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            self._retry_later()
            return
        self._socket = connection
        self._loop.add(connection.fileno(), self._on_ready)

    def _retry_later(self) -> None:
        if not self._retrying:
            self._retrying = True
            self._loop.later(_RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        self.poke()

    def _send(self) -> None:
        if self._socket is None:
            return
        while self._sent < len(self._queue):
            method = (EVENTS_SERVICE, "Forward")
            self._out += ttrpc.encode_request(self._stream, method, self._queue[self._sent])
            self._sent += 1
            self._stream += 2
        self._flush()

    def _flush(self) -> None:
        if self._socket is None or not self._out:
            return
        try:
            self._out = self._out[self._socket.send(self._out) :]
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        self._loop.change(self._socket.fileno(), READ | WRITE if self._out else READ)

    def _on_ready(self, events: int) -> None:
        if events & ~WRITE:
            self._receive()
        self._flush()

    def _receive(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(64 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        # Answers come in the order of the calls; an event that is refused is not sent again.
        for _ in self._decoder.feed(data):
            if self._sent:
                self._queue.popleft()
                self._sent -= 1

    def _lost(self) -> None:
        if self._socket is not None:
            self._loop.remove(self._socket.fileno())
            self._socket.close()
        self._socket = None
        self._decoder = ttrpc.Decoder()
        self._sent = 0
        self._stream = 1
        self._out = b""
        if self._queue:
            self._retry_later()
