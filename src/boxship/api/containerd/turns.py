"""One write for each turn of the loop: grpclib writes headers, message and trailers each by itself.

Every write to a unix socket wakes the other side, which then reads a third of a message and waits
again.  A call between daemon and supervisor has two writes this way, not five.
"""

import asyncio
from typing import Any

from grpclib.client import Channel, Handler
from grpclib.protocol import H2Protocol


class TurnTransport:
    """A transport whose writes go out together when the callback that made them has ended."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Everything but writing is the transport's."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send `data` in this turn, in order."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))

    def close(self) -> None:
        """What was written goes out before."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the transport has
        return getattr(self._transport, name)


class TurnProtocol(H2Protocol):
    """grpclib's HTTP/2 on such a transport, either side."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """What grpclib asks of a transport, this one can."""
        super().connection_made(TurnTransport(transport))  # type: ignore[arg-type]


class TurnChannel(Channel):
    """A client's channel on such a protocol."""

    def _protocol_factory(self) -> H2Protocol:
        return TurnProtocol(Handler(), self._config, self._h2_config)
