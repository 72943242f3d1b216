"""Our own shims: asked of the zygote, reached on a socket that was bound before they live.

bind shim.sock ─▶ connect to it ─▶ ask the zygote (with the socket) ─▶ Create
                  (the kernel keeps the connection until the shim accepts)
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from boxship.api.shim.client import TaskClient, connect
from boxship.api.shim.task_pb2 import ShutdownRequest
from boxship.model.errors import BoxshipError, Unavailable
from boxship.supervisor.shims.zygote import ZygoteGone

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from boxship.supervisor.bundle import Bundle
    from boxship.supervisor.shims.zygote import Zygote

log = logging.getLogger(__name__)

BIRTH_S = 10.0
CLEAN_UP_S = 30.0
CLEAN_UPS = 3  # when the zygote dies under it
SHUT_DOWN_S = 5.0
HANG_UP_S = 30.0


class OwnShim:
    """A shim forked by the zygote, or about to be."""

    def __init__(self, client: TaskClient, bundle: "Bundle", shims: "OwnShims") -> None:
        """Made by OwnShims.launch and .reach."""
        self.client = client
        self.pid = 0
        self.birth: asyncio.Future[dict[str, object]] | None = None
        self._bundle = bundle
        self._shims = shims

    async def born(self) -> None:
        """Return once the zygote has forked it; raise what stood in the way."""
        if self.birth is None:
            return
        try:
            answer = await asyncio.wait_for(asyncio.shield(self.birth), BIRTH_S)
        except TimeoutError:
            raise Unavailable(f"the zygote did not answer in {BIRTH_S:.0f} s") from None
        self.pid = int(str(answer.get("pid", 0)))

    async def dismiss(self) -> None:
        """Return once it knows: its bundle, by which it is found, may go then.

        The next shim of this name has another socket, so nobody waits for this one's end.
        """
        try:
            async with asyncio.timeout(SHUT_DOWN_S):
                await self.client.shutdown(ShutdownRequest(id=self._bundle.id))
        except (BoxshipError, TimeoutError) as error:
            log.warning("shim of %s did not shut down: %s", self._bundle.id, error)
        self._shims.spawn(self._hang_up())

    async def _hang_up(self) -> None:
        """It may have output to deliver still, and ends the connection itself."""
        await asyncio.wait([self.client.closed], timeout=HANG_UP_S)
        self.client.connection.close()


class OwnShims:
    """Launches them, finds them again, and buries them."""

    def __init__(self, zygote: "Zygote", events: str, *, debug: bool) -> None:
        """`events` is the socket that they report to."""
        self._zygote = zygote
        self._events = events
        self._debug = debug
        self._ends: set[asyncio.Task[None]] = set()

    async def launch(self, bundle: "Bundle") -> OwnShim:
        """A shim to be; calls may be sent to it before it is forked."""
        request: dict[str, object] = {
            "namespace": bundle.namespace,
            "id": bundle.id,
            "bundle": bundle.path,
            "events": self._events,
            "debug": self._debug,
        }
        with bundle.listen() as listener:
            sock = bundle.connect()
            try:
                birth = await self._zygote.send(request, listener.fileno())
            except BaseException:
                sock.close()
                raise
        shim = OwnShim(TaskClient(await connect(sock), bundle.namespace), bundle, self)
        shim.birth = birth
        return shim

    async def reach(self, bundle: "Bundle") -> OwnShim:
        """The shim that lives there; OSError when none does."""
        connection = await connect(bundle.connect())
        return OwnShim(TaskClient(connection, bundle.namespace), bundle, self)

    async def clean_up(self, bundle: "Bundle") -> None:
        """Delete what is left of a container that has no shim any more."""
        what = {"namespace": bundle.namespace, "id": bundle.id, "bundle": bundle.path}
        for attempt in range(1, CLEAN_UPS + 1):
            try:
                answer = await self._zygote.send({"cleanup": what})
                await asyncio.wait_for(asyncio.shield(answer), CLEAN_UP_S)
            except ZygoteGone:
                if attempt == CLEAN_UPS:
                    raise
            else:
                return

    def spawn(self, end: "Coroutine[None, None, None]") -> None:
        """Let the end of a shim take its time, beside everything else."""
        task = asyncio.get_running_loop().create_task(end)
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
